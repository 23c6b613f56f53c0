"""Shadow traffic: a copy that the client never waits for, never hears of and that never does more harm than it may."""

import asyncio
from collections.abc import Callable

from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask

from shared.testing.waiting import PATIENCE_SECONDS


async def until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def copies(routing: GatewayProcess, route: str, outcome: str, wanted: float) -> None:
    async with asyncio.timeout(60):
        while await routing.metric("gateway_mirrored_requests_total", route=route, outcome=outcome) < wanted:
            await asyncio.sleep(0.02)


async def test_a_copy_has_all_of_the_request_and_its_mark(
    routing: GatewayProcess, upstream: RawUpstream, other: RawUpstream
):
    sent = {"x-shadow-request": "forged", "authorization": "Bearer x", "x-user-id": "7", "x-own": "1"}
    answer = await ask(routing.port, "GET", "/mirrored?a=1", sent)
    assert answer.status == 200
    await until(lambda: len(other.seen) == 1)
    original, copy = upstream.seen[0], other.seen[0]
    assert (copy.method, copy.target) == ("GET", "/mirrored?a=1")
    assert (original.get("x-shadow-request"), copy.all("x-shadow-request")) == (None, ["1"])
    # What no client may say is not in the copy either (RFC 9700 section 4.13).
    assert [line for line in copy.headers if line[0] != "x-shadow-request"] == original.headers
    assert copy.get("x-user-id") is None


async def test_no_unsafe_method_is_copied_unless_the_route_says_so(routing: GatewayProcess, other: RawUpstream):
    answer = await ask(routing.port, "POST", "/mirrored", body=b"x")
    assert answer.status == 200
    await copies(routing, "/mirrored", "unsafe", 1)
    assert other.seen == []


async def test_bodies_are_copied_up_to_a_size(routing: GatewayProcess, upstream: RawUpstream, other: RawUpstream):
    assert (await ask(routing.port, "POST", "/mirrored/unsafe", body=b"y" * 1000)).status == 200
    wire = await Wire.open(routing.port)
    chunked = b"POST /mirrored/unsafe HTTP/1.1\r\nhost: gateway.test\r\ntransfer-encoding: chunked\r\n\r\n"
    await wire.send(chunked + b"3\r\nabc\r\n")
    await wire.send(b"2\r\nde\r\n0\r\n\r\n")
    assert (await wire.answer()).status == 200
    await until(lambda: len(other.seen) == 2)
    await until(lambda: [seen.body for seen in other.seen] == [b"y" * 1000, b"abcde"])
    before = await routing.metric("gateway_mirrored_requests_total", route="/mirrored/unsafe", outcome="too_large")
    assert (await ask(routing.port, "POST", "/mirrored/unsafe", body=b"y" * 1001)).status == 200
    await wire.send(chunked + b"%x\r\n%b\r\n" % (2000, b"z" * 2000) + b"0\r\n\r\n")
    assert (await wire.answer()).status == 200
    wire.close()
    await copies(routing, "/mirrored/unsafe", "too_large", before + 2)
    assert len(other.seen) == 2
    assert len(upstream.seen) == 4


async def test_a_request_that_never_became_whole_is_not_copied(routing: GatewayProcess, other: RawUpstream):
    wire = await Wire.open(routing.port)
    await wire.send(b"POST /mirrored/unsafe HTTP/1.1\r\nhost: gateway.test\r\ncontent-length: 10\r\n\r\nabc")
    wire.abort()
    await copies(routing, "/mirrored/unsafe", "incomplete", 1)
    assert other.seen == []


async def test_a_mirror_that_stalls_neither_slows_nor_fills(routing: GatewayProcess, other: RawUpstream):
    go_on = asyncio.Event()

    async def stall(call: Call) -> None:
        await go_on.wait()
        await call.answer(500, b"never seen")

    other.manner = stall
    full = await routing.metric("gateway_mirrored_requests_total", route="/mirrored", outcome="full")
    try:
        for _ in range(5):
            answer = await ask(routing.port, "GET", "/mirrored")
            assert (answer.status, answer.json()["target"]) == (200, "/mirrored")
        await until(lambda: len(other.seen) == 2)
        await copies(routing, "/mirrored", "full", full + 3)
        assert len(other.seen) == 2
    finally:
        go_on.set()
    await copies(routing, "/mirrored", "answered", 3)
    # The places are free again.
    assert (await ask(routing.port, "GET", "/mirrored")).status == 200
    await until(lambda: len(other.seen) == 3)


async def test_a_mirror_that_is_away_or_late_is_none_of_the_clients_business(
    routing: GatewayProcess, upstream: RawUpstream, other: RawUpstream
):
    assert (await ask(routing.port, "GET", "/mirrored/dead")).status == 200
    await copies(routing, "/mirrored/dead", "unreachable", 1)
    hung_up = asyncio.Event()

    async def late(call: Call) -> None:
        if await call.hung_up():
            hung_up.set()

    other.manner = late
    assert (await ask(routing.port, "GET", "/mirrored/late")).status == 200
    await copies(routing, "/mirrored/late", "late", 1)
    async with asyncio.timeout(60):
        await hung_up.wait()

    async def garbage(call: Call) -> None:
        await call.send(b"\x00\x01 nonsense\r\n\r\n")
        call.writer.close()

    other.manner = garbage
    assert (await ask(routing.port, "GET", "/mirrored")).status == 200
    await copies(routing, "/mirrored", "failed", 1)
    assert len(upstream.seen) == 3
