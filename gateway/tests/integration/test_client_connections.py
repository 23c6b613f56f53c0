"""How many connections a client may hold, what becomes of many requests on one, and of answers that are not read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import eventually

ROUTES = Path(__file__).parent / "wire.toml"
Start = Callable[..., Awaitable[GatewayProcess]]


@pytest.fixture(scope="module")
async def start(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[Start]:
    made: list[GatewayProcess] = []

    async def begin(**environment: str) -> GatewayProcess:
        process = GatewayProcess(
            running_upstream.port,
            valkey.port,
            GATEWAY_ROUTES=str(ROUTES),
            SOCKET_URL=f"http://127.0.0.1:{running_upstream.port}",
            **environment,
        )
        made.append(process)
        await asyncio.to_thread(process.start)
        await process.ready()
        return process

    yield begin
    for process in made:
        await asyncio.to_thread(process.stop)


@pytest.fixture(scope="module")
async def small(start: Start) -> GatewayProcess:
    """At most 12 connections, 6 of one address, except from 127.0.0.9, a listed proxy."""
    return await start(MAX_CONNECTIONS="12", CONNECTION_SHARE="0.5", TRUSTED_PROXIES="127.0.0.9")


async def _from(port: int, address: str) -> Wire:
    return Wire(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))


async def _served(wire: Wire) -> int:
    await wire.send(request("GET", "/plain"))
    return (await wire.answer()).status


async def _all_gone(port: int) -> None:
    # The one that asks is the only one.
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(ConnectionError):
                body = (await ask(port, "GET", "/metrics")).body
                if b'gateway_client_connections{state="idle"} 0.0' in body:
                    return
            await asyncio.sleep(0.02)


async def test_one_address_holds_its_share_and_leaves_the_rest(small: GatewayProcess):
    await _all_gone(small.port)
    wires = [await _from(small.port, "127.0.0.5") for _ in range(6)]
    assert [await _served(wire) for wire in wires] == [200] * 6
    over = await _from(small.port, "127.0.0.5")
    answer = await over.answer()
    assert (answer.status, answer["connection"], answer["retry-after"]) == (503, "close", "5")
    assert answer["x-content-type-options"] == "nosniff"
    assert await over.closed()
    other = await _from(small.port, "127.0.0.6")
    assert await _served(other) == 200
    wires.pop().close()
    async with asyncio.timeout(60):
        while True:
            again = await _from(small.port, "127.0.0.5")
            with contextlib.suppress(ConnectionError):
                if await _served(again) == 200:
                    break
    assert await small.metric("gateway_client_connections_refused_total", bound="client") >= 1
    for wire in (*wires, over, other, again):
        wire.close()


async def test_a_listed_proxy_brings_everybody(small: GatewayProcess):
    await _all_gone(small.port)
    wires = [await _from(small.port, "127.0.0.9") for _ in range(8)]
    assert [await _served(wire) for wire in wires] == [200] * 8
    for wire in wires:
        wire.close()


async def test_with_all_places_taken_idle_ones_make_room_and_busy_ones_do_not(
    small: GatewayProcess, upstream: RawUpstream
):
    release = asyncio.Event()

    async def waits(call: Call) -> None:
        if call.seen.target == "/plain?wait":
            await release.wait()
        await call.answer(200, b"ok")

    upstream.manner = waits
    await _all_gone(small.port)
    busy = [await _from(small.port, f"127.0.0.{5 + n % 2}") for n in range(10)]
    for wire in busy:
        await wire.send(request("GET", "/plain?wait"))
    await eventually(lambda: len(upstream.seen), 10)
    idle = [await _from(small.port, "127.0.0.7") for _ in range(2)]
    assert [await _served(wire) for wire in idle] == [200, 200]
    newcomer = await _from(small.port, "127.0.0.8")
    assert await _served(newcomer) == 200
    assert await idle[0].closed()
    release.set()
    assert [(await wire.answer()).status for wire in busy] == [200] * 10
    for wire in (*busy, *idle, newcomer):
        wire.close()


@pytest.fixture(scope="module")
async def gate(start: Start) -> GatewayProcess:
    return await start()


@pytest.mark.parametrize("count", [65, 3000])
async def test_many_pipelined_requests_are_slow_but_right(gate: GatewayProcess, upstream: RawUpstream, count: int):
    async def numbered(call: Call) -> None:
        await call.answer(200, call.seen.target.encode())

    upstream.manner = numbered
    before = psutil.Process(gate.pid).memory_info().rss
    wire = await Wire.open(gate.port)
    sending = asyncio.create_task(wire.send(b"".join(request("GET", f"/plain?{n}") for n in range(count))))
    assert [(await wire.answer()).body.decode() for _ in range(count)] == [f"/plain?{n}" for n in range(count)]
    await sending
    assert psutil.Process(gate.pid).memory_info().rss - before < 4_000_000
    wire.close()


async def test_bodies_among_pipelined_requests_stay_whole(gate: GatewayProcess):
    pieces: list[bytes] = []
    for n in range(40):
        body = bytes([65 + n % 26]) * (n * 997)
        pieces += [request("GET", f"/plain?{n}"), request("POST", f"/plain?{n}", body=body)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(body[at : at + 700]), body[at : at + 700]) for at in range(0, n, 700))
        pieces.append(
            request("PUT", f"/plain?{n}", {"transfer-encoding": "chunked"}) + (chunks if body else b"") + b"0\r\n\r\n"
        )
    wire = await Wire.open(gate.port)
    sending = asyncio.create_task(wire.send(b"".join(pieces)))
    answers = [(await wire.answer()).json() for _ in pieces]
    await sending
    assert [answer["method"] for answer in answers] == ["GET", "POST", "PUT"] * 40
    assert [answer["size"] for answer in answers[1::3]] == [n * 997 for n in range(40)]
    wire.close()
