"""The loop's lag: a block of the loop is seen, a quiet loop is not."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from shared.loop_lag import EVERY_SECONDS, loop_lag_measured


def above_50_ms() -> float:
    whole = REGISTRY.get_sample_value("event_loop_lag_seconds_count") or 0
    return whole - (REGISTRY.get_sample_value("event_loop_lag_seconds_bucket", {"le": "0.05"}) or 0)


async def test_what_blocks_the_loop_is_seen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = above_50_ms()
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    async with loop_lag_measured():
        await asyncio.sleep(0)
        now += 0.05 + 4 * EVERY_SECONDS  # what a handler must not do
        for _ in range(10):
            await asyncio.sleep(0)
    assert above_50_ms() == before + 1


async def test_at_its_end_it_looks_no_more() -> None:
    async with loop_lag_measured():
        await asyncio.sleep(0)
    count = REGISTRY.get_sample_value("event_loop_lag_seconds_count")
    await asyncio.sleep(3 * EVERY_SECONDS)
    assert REGISTRY.get_sample_value("event_loop_lag_seconds_count") == count
