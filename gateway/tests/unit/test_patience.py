"""How long a request waits for Redis (TRAPS, rate limiting 6)."""

import asyncio
from pathlib import Path

import pytest
from gateway_testing.process import ROUTES

from gateway.limits.patience import Patience
from gateway.runtime import Gateway
from gateway.settings import Settings
from shared.testing.waiting import eventually


async def test_who_is_late_is_told_once_and_who_has_answered_is_not():
    loop, told = asyncio.get_running_loop(), []
    Patience(loop, 0.02, lambda: told.append("answered")).cancel()
    Patience(loop, 0.02, lambda: told.append("late"))
    await eventually(lambda: told)
    await asyncio.sleep(0.05)
    assert told == ["late"]


@pytest.mark.parametrize("seconds", [0.05, 7.0])
async def test_the_setting_is_what_limits_and_kept_answers_wait(seconds: float, monkeypatch: pytest.MonkeyPatch):
    for name in ("MAIN_URL", "DEAD_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    cached = Path(ROUTES).parents[2] / "integration" / "cache_routes.toml"
    gateway = Gateway(Settings(routes=cached, redis_patience_seconds=seconds))
    assert gateway.limiter.patience == seconds  # pyright: ignore[reportAttributeAccessIssue] - of one Redis
    gateway.cache.take(gateway.table.model.cache, used=True)
    assert gateway.cache.tier is not None
    assert gateway.cache.tier.patience == seconds
    await gateway.stop()
