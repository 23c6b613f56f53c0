"""TRAPS, Rate limiting 1 to 3 and 5 to 7."""

import asyncio
import os
import re
import signal
import time
import uuid
from collections.abc import AsyncIterator

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Answer, ask


def fresh(issuer: Issuer, **claims: str) -> dict[str, str]:
    """A user nobody counted yet."""
    return {"authorization": f"Bearer {issuer.token(uuid.uuid4().hex, **claims)}"}


async def test_headers_on_limited_answers_and_on_429(gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer):
    user = fresh(issuer)
    answers = [await ask(gateway.port, "GET", "/api/v1/limited", user) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    for answer, left in zip(answers, (2, 1, 0, 0), strict=True):
        assert answer["ratelimit-policy"] == '"small";q=3;w=3600'
        assert re.fullmatch(rf'"small";r={left};t=\d+', answer["ratelimit"])
        assert (answer["x-ratelimit-limit"], answer["x-ratelimit-remaining"]) == ("3", str(left))
        assert time.time() < int(answer["x-ratelimit-reset"]) <= time.time() + 3661
    assert answers[3].code == "rate_limited"
    assert 3590 <= int(answers[3]["retry-after"]) <= 3661
    assert len(upstream.seen) == 3
    assert (await ask(gateway.port, "GET", "/api/v1/things", user)).get("ratelimit") is None


async def test_tiers_have_their_own_figures(gateway: GatewayProcess, issuer: Issuer):
    pro = await ask(gateway.port, "GET", "/api/v1/limited", fresh(issuer, tier="pro"))
    assert pro["x-ratelimit-limit"] == "8"
    admin = await ask(gateway.port, "GET", "/api/v1/limited", fresh(issuer, role="admin"))
    assert admin["x-ratelimit-limit"] == "50"
    program = await ask(gateway.port, "GET", "/api/v1/limited", fresh(issuer, role="service", tier="pro"))
    assert program["x-ratelimit-limit"] == "8"
    unknown = await ask(gateway.port, "GET", "/api/v1/limited", fresh(issuer, tier="gold"))
    assert unknown["x-ratelimit-limit"] == "3"


async def test_trap_1_and_exact_over_two_processes(
    gateway: GatewayProcess, second_gateway: GatewayProcess, issuer: Issuer
):
    user = fresh(issuer, role="admin")
    ports = [gateway.port, second_gateway.port] * 40
    answers = await asyncio.gather(*(ask(port, "GET", "/api/v1/limited", user) for port in ports))
    statuses = [answer.status for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (50, 30)
    # Each admitted one had a place of its own.
    left = sorted(int(a["x-ratelimit-remaining"]) for a in answers if a.status == 200)
    assert left == list(range(50))


async def test_trap_2_a_rejected_request_is_not_charged(gateway: GatewayProcess, issuer: Issuer):
    user = fresh(issuer)
    started = time.monotonic()
    first = [await ask(gateway.port, "GET", "/api/v1/limited/quick", user) for _ in range(3)]
    assert [answer.status for answer in first] == [200] * 3
    # A client that keeps trying recovers as soon as the window has passed.
    while (await ask(gateway.port, "GET", "/api/v1/limited/quick", user)).status == 429:
        assert time.monotonic() - started < 60
        await asyncio.sleep(0.02)
    assert time.monotonic() - started > 0.7


async def test_trap_3_every_key_has_an_end(gateway: GatewayProcess, valkey: Valkey, issuer: Issuer):
    await ask(gateway.port, "GET", "/api/v1/limited", fresh(issuer))
    keys = re.findall(rb"gatehouse:limit:\S+", valkey.command("KEYS", "gatehouse:limit:*"))
    assert keys
    for key in keys:
        # -1 would be none; -2 is one that has ended since.
        left = int(valkey.command("PTTL", key.decode())[1:])
        assert left >= 0 or left == -2, key


async def test_trap_5_all_limits_of_a_request_or_none(own_gateway: GatewayProcess):
    gateway = own_gateway
    answers = [await ask(gateway.port, "POST", "/api/v1/login", body=b"{}") for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 429, 429, 429]
    assert {answer["ratelimit-policy"] for answer in answers} == {'"login";q=2;w=3600'}
    # The wider limit was charged for the two that passed and for this one.
    answer = await ask(gateway.port, "GET", "/api/v1/limited/many")
    assert answer["x-ratelimit-remaining"] == "97"


async def test_a_refused_token_is_counted(own_gateway: GatewayProcess):
    bad = {"authorization": "Bearer guess"}
    answers = [await ask(own_gateway.port, "GET", "/api/v1/limited/private", bad) for _ in range(7)]
    assert [answer.status for answer in answers] == [401] * 5 + [429] * 2


async def mode(gateway: GatewayProcess, name: str) -> Answer:
    return await ask(gateway.port, "GET", f"/api/v1/limited/{name}")


async def test_trap_6_redis_gone_each_route_has_its_mode(own_gateway: GatewayProcess):
    gateway, valkey = own_gateway, own_gateway.valkey
    assert await gateway.metric("gateway_limiter_up") == 1
    valkey.stop()
    await asyncio.sleep(0.1)
    assert (await mode(gateway, "open")).status == 200
    closed = await mode(gateway, "closed")
    assert (closed.status, closed.code) == (503, "limits_unavailable")
    assert closed["retry-after"]
    local = [await mode(gateway, "many") for _ in range(27)]
    assert [answer.status for answer in local] == [200] * 25 + [429] * 2  # a quarter of a hundred
    ready = await ask(gateway.port, "GET", "/health/ready")
    assert (ready.status, ready.json()["checks"]["redis"]) == (200, "unhealthy")
    assert await gateway.metric("gateway_limiter_up") == 0
    assert await gateway.metric("gateway_limit_verdicts_total", outcome="local") == 25
    assert await gateway.metric("gateway_limit_verdicts_total", outcome="open") == 1
    valkey.start()
    await _until_up(gateway)
    assert (await mode(gateway, "closed")).status == 200


async def _until_up(gateway: GatewayProcess) -> None:
    async with asyncio.timeout(60):
        while await gateway.metric("gateway_limiter_up") != 1:
            await asyncio.sleep(0.05)


@pytest.fixture
async def hurried(upstream: RawUpstream) -> AsyncIterator[GatewayProcess]:
    """As own_gateway, and it waits for Redis no longer than a test may."""
    server = Valkey()
    server.start()
    process = GatewayProcess(upstream.port, server.port, REDIS_PATIENCE_SECONDS="1")
    process.valkey = server
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)
    server.stop()


async def test_trap_6_a_redis_that_hangs_is_waited_for_once(hurried: GatewayProcess):
    gateway, valkey = hurried, hurried.valkey
    assert (await mode(gateway, "open")).status == 200
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        for _ in range(5):
            assert (await mode(gateway, "open")).status == 200
        # Only a request that waits its time in vain says so; a clock would tell of the machine's load.
        assert gateway.times_logged(event="limiter_redis_late") == 1
        assert await gateway.metric("gateway_limit_verdicts_total", outcome="open") == 5
        assert await gateway.metric("gateway_limiter_late_total") == 1
    finally:
        os.kill(valkey.pid, signal.SIGCONT)
    await _until_up(gateway)


async def test_a_flushed_script_is_loaded_again(own_gateway: GatewayProcess):
    gateway = own_gateway
    own_gateway.valkey.command("SCRIPT", "FLUSH")
    answer = await mode(gateway, "closed")
    assert (answer.status, answer["x-ratelimit-remaining"]) == (200, "99")
