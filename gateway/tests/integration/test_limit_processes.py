"""Limits over three gateway processes at once, and each way to count (TRAPS, rate limiting 1, 2, 5, 6 and 7)."""

import asyncio
import os
import re
import signal
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Answer, Wire, ask

ROUTES = Path(__file__).parent / "limits.toml"
EXACT = ["sliding_window", "sliding_log", "sliding_counter", "fixed_window", "token_bucket", "leaky_bucket"]


async def started(upstream: RawUpstream, valkey: Valkey, number: int, **environment: str) -> list[GatewayProcess]:
    processes = [
        GatewayProcess(upstream.port, valkey.port, GATEWAY_ROUTES=str(ROUTES), **environment) for _ in range(number)
    ]
    for process in processes:
        await asyncio.to_thread(process.start)
    await asyncio.gather(*(process.ready() for process in processes))
    return processes


@pytest.fixture(scope="module")
async def three(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[list[GatewayProcess]]:
    processes = await started(running_upstream, valkey, 3)
    yield processes
    for process in processes:
        await asyncio.to_thread(process.stop)


@pytest.fixture(scope="module")
async def one(running_upstream: RawUpstream) -> AsyncIterator[GatewayProcess]:
    """With a valkey of its own, for tests that break and mend it."""
    server = Valkey()
    server.start()
    (process,) = await started(running_upstream, server, 1, REDIS_PATIENCE_SECONDS="1", CLIENT_SECONDS="2")
    process.valkey = server
    yield process
    await asyncio.to_thread(process.stop)
    server.stop()


async def flood(processes: list[GatewayProcess], path: str, number: int) -> list[Answer]:
    ports = [processes[n % len(processes)].port for n in range(number)]
    return await asyncio.gather(*(ask(port, "GET", path) for port in ports))


@pytest.mark.parametrize("algorithm", EXACT)
async def test_a_flood_over_three_processes_is_admitted_to_the_very_quota(
    three: list[GatewayProcess], upstream: RawUpstream, algorithm: str
):
    answers = await flood(three, f"/api/v1/{algorithm}", 75)
    statuses = [answer.status for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (40, 35)
    assert len(upstream.seen) == 40
    # Each admitted one had a place of its own.
    left = sorted(int(answer["x-ratelimit-remaining"]) for answer in answers if answer.status == 200)
    assert left == list(range(40))
    q, w = (40, 7200) if algorithm == "token_bucket" else (40, 3600)
    for answer in answers:
        assert answer["ratelimit-policy"] == f'"{algorithm}";q={q};w={w}'
        told = re.fullmatch(rf'"{algorithm}";r=(\d+);t=(\d+)', answer["ratelimit"])
        assert told is not None
        assert 0 < int(told[2]) <= w
        if answer.status == 429:
            assert (told[1], answer["retry-after"]) == ("0", told[2])


async def test_a_queue_lets_three_processes_go_on_one_after_another(three: list[GatewayProcess], upstream: RawUpstream):
    arrived: list[float] = []

    async def note(call: Call) -> None:
        arrived.append(time.monotonic())
        await call.answer(200, b"{}")

    upstream.manner = note
    began = time.monotonic()
    answers = await flood(three, "/api/v1/queue", 30)
    admitted = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 429]
    # One at once and nine in line; more only as the line moved while the flood came in.
    assert 10 <= len(admitted) <= 10 + (time.monotonic() - began) / 0.05
    assert len(admitted) + len(refused) == 30
    assert len(arrived) == len(admitted)
    # Never earlier than its turn; a loop's clock is a few milliseconds old when it sets the timer.
    for turn, moment in enumerate(sorted(arrived)):
        assert moment >= began + turn * 0.05 - 0.005
    assert {answer["ratelimit-policy"] for answer in answers} == {'"queue";q=10;w=1'}
    assert {answer["retry-after"] for answer in refused} <= {"1"}
    assert sum([await process.metric("gateway_limit_delayed_total") for process in three]) > 0


async def test_who_hangs_up_in_the_queue_is_not_forwarded(three: list[GatewayProcess], upstream: RawUpstream):
    gateway = three[0]
    assert (await ask(gateway.port, "GET", "/api/v1/slow_queue?n=1")).status == 200
    delayed = await gateway.metric("gateway_limit_delayed_total")
    wire = await Wire.open(gateway.port)
    await wire.send(b"GET /api/v1/slow_queue?n=2 HTTP/1.1\r\nhost: a\r\n\r\n")
    while await gateway.metric("gateway_limit_delayed_total") == delayed:
        await asyncio.sleep(0.01)
    third = asyncio.create_task(ask(gateway.port, "GET", "/api/v1/slow_queue?n=3"))
    wire.writer.close()
    await gateway.logged(status=499, path="/api/v1/slow_queue")
    # The third's turn comes after the second's would have.
    assert (await third).status == 200
    assert [seen.target for seen in upstream.seen] == ["/api/v1/slow_queue?n=1", "/api/v1/slow_queue?n=3"]


async def test_a_turn_beyond_the_deadline_is_a_503(one: GatewayProcess, upstream: RawUpstream):
    # CLIENT_SECONDS is 2: who is told to wait 3 s is not kept so long.
    answers = await flood([one], "/api/v1/slower_queue", 4)
    late = [answer for answer in answers if answer.status == 503]
    assert late
    assert {(answer.code, answer["retry-after"]) for answer in late} == {("too_busy", "1")}
    assert len(upstream.seen) + len(late) == 4


async def test_a_user_is_counted_by_route(three: list[GatewayProcess], issuer: Issuer):
    ann, bob = ({"authorization": f"Bearer {issuer.token(uuid.uuid4().hex)}"} for _ in range(2))
    asked = [("here", ann), ("here", ann), ("here", ann), ("there", ann), ("here", bob), ("here", {})]
    statuses = [(await ask(three[0].port, "GET", f"/api/v1/{path}", who)).status for path, who in asked]
    assert statuses == [200, 200, 429, 200, 200, 200]


async def test_keys_of_one_user_are_counted_apart(three: list[GatewayProcess], upstream: RawUpstream, issuer: Issuer):
    user = uuid.uuid4().hex
    keys = [f"gh_1_{letter * 43}" for letter in "ab"]
    for key in keys:
        upstream.api_keys[key] = issuer.token(user)
    asked = [keys[0], keys[0], keys[0], keys[1]]
    statuses = [(await ask(three[0].port, "GET", "/api/v1/key", {"x-api-key": key})).status for key in asked]
    assert statuses == [200, 200, 429, 200]


async def test_trap_2_a_costly_request_takes_more_and_a_refused_one_nothing(
    three: list[GatewayProcess], issuer: Issuer
):
    user = {"authorization": f"Bearer {issuer.token(uuid.uuid4().hex)}"}
    paths = ["costly", "costly", "costly", "cheap", "cheap", "cheap"]
    answers = [await ask(three[0].port, "GET", f"/api/v1/{path}", user) for path in paths]
    assert [answer.status for answer in answers] == [200, 200, 429, 200, 200, 429]
    assert [answer["x-ratelimit-remaining"] for answer in answers] == ["7", "2", "2", "1", "0", "0"]


async def until_up(gateway: GatewayProcess) -> None:
    async with asyncio.timeout(60):
        while await gateway.metric("gateway_limiter_up") != 1:
            await asyncio.sleep(0.02)


async def passed(gateway: GatewayProcess, number: int) -> int:
    return sum([answer.status == 200 for answer in await flood([gateway], "/api/v1/sliding_window", number)])


async def test_trap_6_what_passes_beyond_the_quota_without_redis_is_the_local_share(one: GatewayProcess):
    assert await passed(one, 45) == 40
    for share in (10, 0):
        # A Redis that hangs, comes back and hangs again: the share is given once.
        os.kill(one.valkey.pid, signal.SIGSTOP)
        try:
            assert await passed(one, 30) == share
            assert await one.metric("gateway_limiter_up") == 0
        finally:
            os.kill(one.valkey.pid, signal.SIGCONT)
        await until_up(one)
        assert await passed(one, 10) == 0
    # One that stops forgets what it counted, and counts anew when it is back.
    one.valkey.stop()
    assert await passed(one, 10) == 0
    one.valkey.start()
    await until_up(one)
    assert await passed(one, 45) == 40


async def test_trap_6_redis_is_not_met_by_a_storm(one: GatewayProcess):
    tried: list[float] = []

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(time.monotonic())
        writer.close()

    one.valkey.stop()
    server = await asyncio.start_server(refuse, "127.0.0.1", one.valkey.port)
    began = time.monotonic()
    while len(tried) < 6:
        await flood([one], "/api/v1/fixed_window", 20)
    # However many requests there are, one probe at a time of limits and of revocations, with a pause after each.
    assert len(tried) <= 2 * (2 + (time.monotonic() - began) / 0.3)
    server.close()
    await server.wait_closed()
    one.valkey.start()
    await until_up(one)
    await flood([one], "/api/v1/fixed_window", 20)
    assert len(re.findall(rb"lib-name", one.valkey.command("CLIENT", "LIST"))) <= 3  # the gateway's two, and this one
