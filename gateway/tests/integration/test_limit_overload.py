"""Limits that shrink under overload: the limiter on a real valkey, and an overload that the test sets."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from gateway_testing.process import Valkey
from prometheus_client import CollectorRegistry, generate_latest

from gateway.identity.principal import Principal
from gateway.limits.limiter import Limiter
from gateway.limits.verdict import Verdict
from gateway.routes.model import RoutesModel
from gateway.routes.table import RouteTable

MODEL = RoutesModel.model_validate(
    {
        "limits": {
            "tight": {
                "anonymous": "20/1h",
                "tiers": {"free": "20/1h", "pro": "20/1h"},
                "overloaded": {"anonymous": 0.2, "free": 0.5},
            }
        },
        "upstreams": {"main": {"url": "http://127.0.0.1:1"}},
        "routes": [
            {"path": "/overloaded", "methods": ["GET"], "upstream": "main", "identity": "optional", "limits": ["tight"]}
        ],
    }
)


class Overloaded:
    level = 0.0


@pytest.fixture
async def limiter(valkey: Valkey) -> AsyncIterator[Limiter]:
    limiter = Limiter(
        f"redis://127.0.0.1:{valkey.port}/0",
        MODEL,
        1.0,
        CollectorRegistry(),
        overload=lambda: Overloaded.level,
        patience=60,
    )
    limiter.link.start()
    await limiter.link.wait_up(60)
    yield limiter
    limiter.link.stop()


async def asked(limiter: Limiter, number: int, tier: str | None, address: str) -> list[Verdict]:
    """What the limiter says to so many requests of one tick."""
    principal = tier and Principal(address, "user", tier, frozenset(), 2e9)
    match = SimpleNamespace(route=RouteTable(MODEL).routes[0])
    verdicts: list[Verdict] = []
    request: Any = SimpleNamespace(match=match, principal=principal, address=address, on_verdict=verdicts.append)
    for _ in range(number):
        limiter.check(request)
    while len(verdicts) < number:
        await asyncio.sleep(0.001)
    return verdicts


@pytest.mark.parametrize(
    ("tier", "admitted"), [(None, {0.0: 20, 0.5: 12, 1.0: 4}), ("free", {0.0: 20, 1.0: 10}), ("pro", {1.0: 20})]
)
async def test_a_tier_keeps_its_part_of_the_quota(limiter: Limiter, tier: str | None, admitted: dict[float, int]):
    for level, number in admitted.items():
        Overloaded.level = level
        verdicts = await asked(limiter, 25, tier, f"{tier}-{level}")
        assert [verdict.outcome for verdict in verdicts] == ["allowed"] * number + ["rejected"] * (25 - number)
        assert f"q={number};".encode() in verdicts[0].headers


async def test_what_was_used_in_calm_counts_under_overload(limiter: Limiter):
    Overloaded.level = 0.0
    assert {verdict.outcome for verdict in await asked(limiter, 10, None, "calm")} == {"allowed"}
    Overloaded.level = 1.0
    assert [verdict.outcome for verdict in await asked(limiter, 2, None, "calm")] == ["rejected"] * 2
    Overloaded.level = 0.0
    assert b";r=9;" in (await asked(limiter, 1, None, "calm"))[0].headers
    assert limiter.metrics.rejected == {"tight": 2}


async def test_the_metrics_tell(limiter: Limiter):
    Overloaded.level = 0.25
    await asked(limiter, 30, "pro", "metrics")
    samples = generate_latest(limiter.metrics).decode()  # pyright: ignore[reportArgumentType] - it collects
    for line in (
        'gateway_limit_verdicts_total{outcome="allowed"} 20.0',
        'gateway_limit_verdicts_total{outcome="rejected"} 10.0',
        'gateway_limit_rejections_total{limit="tight"} 10.0',
        "gateway_limiter_calls_total 1.0",
        "gateway_limiter_up 1.0",
        "gateway_limit_overload_level 0.25",
    ):
        assert line in samples
