"""The loop's lag: a block of the loop is seen, a quiet loop is not."""

import asyncio
import time

from prometheus_client import REGISTRY

from shared.loop_lag import EVERY_SECONDS, loop_lag_measured


def above_50_ms() -> float:
    whole = REGISTRY.get_sample_value("event_loop_lag_seconds_count") or 0
    return whole - (REGISTRY.get_sample_value("event_loop_lag_seconds_bucket", {"le": "0.05"}) or 0)


async def test_what_blocks_the_loop_is_seen_once() -> None:
    before = above_50_ms()
    async with loop_lag_measured():
        await asyncio.sleep(0)
        time.sleep(0.05 + 3 * EVERY_SECONDS)  # noqa: ASYNC251 - what a handler must not do
        await asyncio.sleep(0.01)
    assert above_50_ms() == before + 1


async def test_at_its_end_it_looks_no_more() -> None:
    async with loop_lag_measured():
        await asyncio.sleep(0)
    count = REGISTRY.get_sample_value("event_loop_lag_seconds_count")
    await asyncio.sleep(3 * EVERY_SECONDS)
    assert REGISTRY.get_sample_value("event_loop_lag_seconds_count") == count
