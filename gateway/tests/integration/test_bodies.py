"""TRAPS, Gateway: forwarding 4, 9 (100-continue), back-pressure, and an answer before the upload is through."""

import asyncio
import socket
import struct

import psutil
from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import PATIENCE_SECONDS

CHUNKED = b"POST /api/v1/things HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


async def test_trap_4_a_length_over_the_limit_is_413_before_anything_is_sent(
    gateway: GatewayProcess, upstream: RawUpstream
):
    wire = await Wire.open(gateway.port)
    await wire.send(b"POST /api/v1/things HTTP/1.1\r\nhost: a\r\ncontent-length: 1000001\r\n\r\n")
    answer = await wire.answer()
    assert (answer.status, answer.code, answer["connection"]) == (413, "body_too_large", "close")
    assert upstream.seen == []


async def test_trap_4_chunks_are_counted_as_they_flow(gateway: GatewayProcess, upstream: RawUpstream):
    cut = asyncio.Event()

    async def reads(call: Call) -> None:
        try:
            await call.read_body()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            cut.set()
            raise

    upstream.manner = reads
    wire = await Wire.open(gateway.port)
    # Beside the reading: what comes after the refusal may meet a closed socket.
    pouring = asyncio.create_task(_pour(wire, CHUNKED, b"8000\r\n" + b"x" * 0x8000 + b"\r\n", 40))
    answer = await wire.answer()
    assert (answer.status, answer.code) == (413, "body_too_large")
    pouring.cancel()
    await asyncio.wait_for(cut.wait(), PATIENCE_SECONDS)


async def test_chunked_bodies_arrive_whole_without_their_trailers(gateway: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gateway.port)
    await wire.send(CHUNKED + b"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nx-trailer: 1\r\n\r\n")
    assert (await wire.answer()).status == 200
    assert upstream.seen[0].body == b"abcdefg"
    assert upstream.seen[0].get("x-trailer") is None


async def test_expect_100_continue_waits_for_the_upstreams_word(gateway: GatewayProcess, upstream: RawUpstream):
    async def continues(call: Call) -> None:
        await call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await call.read_body()
        await call.answer(201, call.seen.body)

    upstream.manner = continues
    wire = await Wire.open(gateway.port)
    await wire.send(b"POST /api/v1/things HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n")
    async with asyncio.timeout(60):
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await wire.send(b"hello")
    answer = await wire.answer()
    assert (answer.status, answer.body) == (201, b"hello")


async def test_expect_100_continue_refused_by_the_gateway_needs_no_body(gateway: GatewayProcess):
    wire = await Wire.open(gateway.port)
    await wire.send(b"GET /api/v1/private HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n")
    answer = await wire.answer()
    assert (answer.status, answer.interim, answer["connection"]) == (401, [], "close")


async def test_early_hints_pass_and_an_unasked_100_does_not(gateway: GatewayProcess, upstream: RawUpstream):
    async def hints(call: Call) -> None:
        await call.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
        await call.answer(200, b"ok")

    upstream.manner = hints
    answer = await ask(gateway.port, "GET", "/api/v1/things")
    assert (answer.interim, answer.status, answer.body) == ([103], 200, b"ok")


async def test_an_answer_before_the_upload_is_through_is_not_a_502(gateway: GatewayProcess, upstream: RawUpstream):
    async def refuses(call: Call) -> None:
        await call.answer(403, b"no")
        await asyncio.sleep(0.3)
        call.writer.close()

    upstream.manner = refuses
    wire = await Wire.open(gateway.port)
    await wire.send(b"POST /api/v1/upload HTTP/1.1\r\nhost: a\r\ncontent-length: 20000000\r\n\r\n" + b"x" * 100_000)
    answer = await wire.answer()
    assert (answer.status, answer.body, answer["connection"]) == (403, b"no", "close")


async def test_an_answer_is_read_even_when_the_upstream_resets_behind_it(
    gateway: GatewayProcess, upstream: RawUpstream
):
    async def resets(call: Call) -> None:
        await call.answer(413, b"too much")
        link = call.writer.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        call.writer.transport.abort()

    upstream.manner = resets
    statuses: list[int] = []
    for _ in range(10):
        wire = await Wire.open(gateway.port)
        await wire.send(b"POST /api/v1/upload HTTP/1.1\r\nhost: a\r\ncontent-length: 20000000\r\n\r\n")
        with_body = asyncio.create_task(_pour(wire, b"", b"x" * 65536, 300))
        statuses.append((await wire.answer()).status)
        with_body.cancel()
        wire.abort()
    assert statuses == [413] * 10


async def _pour(wire: Wire, head: bytes, piece: bytes, times: int) -> None:
    try:
        await wire.send(head)
        for _ in range(times):
            await wire.send(piece)
    except ConnectionError:
        pass


async def test_a_slow_upstream_holds_the_client_back(gateway: GatewayProcess, upstream: RawUpstream):
    release = asyncio.Event()

    async def stalls(call: Call) -> None:
        await release.wait()
        await call.read_body()
        await call.answer(200, str(len(call.seen.body)).encode())

    upstream.manner = stalls
    process = psutil.Process(gateway.pid)
    before = process.memory_info().rss
    wire = await Wire.open(gateway.port)
    size = 25_000_000
    await wire.send(f"POST /api/v1/upload HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n".encode())
    pouring = asyncio.create_task(wire.send(b"x" * size))
    await asyncio.sleep(0.4)
    assert not pouring.done()
    assert process.memory_info().rss - before < 12_000_000
    release.set()
    answer = await wire.answer()
    assert (answer.status, answer.body) == (200, str(size).encode())


async def test_a_slow_client_holds_the_upstream_back(gateway: GatewayProcess, upstream: RawUpstream):
    sent = 0
    size = 25_000_000

    async def pours(call: Call) -> None:
        nonlocal sent
        await call.send(f"HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n".encode())
        while sent < size:
            await call.send(b"x" * 100_000)
            sent += 100_000

    upstream.manner = pours
    process = psutil.Process(gateway.pid)
    before = process.memory_info().rss
    wire = await Wire.open(gateway.port)
    wire.reader._limit = 1000  # type: ignore[attr-defined]
    await wire.send(request("GET", "/api/v1/things"))
    await asyncio.sleep(0.5)
    assert sent < size
    assert process.memory_info().rss - before < 12_000_000
    received = 0
    async with asyncio.timeout(60):
        while received < size:
            received += len(await wire.reader.read(1_000_000))
    assert sent == size
