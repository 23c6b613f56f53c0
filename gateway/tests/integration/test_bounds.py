"""What one connection may cost: no line without an end, no answers that pile up, no connection that none watches."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import psutil
import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import PATIENCE_SECONDS

MEGABYTE = 1_000_000
DATA = b"POST /api/v1/things HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
CONTROL = b"POST /health/live HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


async def _poured(wire: Wire, piece: bytes, limit: int) -> int:
    """How much the gateway took before it ended the connection."""
    sent = 0
    try:
        while sent < limit:
            await wire.send(piece)
            sent += len(piece)
            # The other side may have ended; a stream only tells who reads.
            await asyncio.sleep(0.01)
            if wire.writer.is_closing() or wire.reader.at_eof():
                break
    except ConnectionError:
        pass
    return sent


@pytest.mark.parametrize("head", [DATA, CONTROL], ids=["data", "control"])
@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"0\r\nx: ", b"a" * 100_000),
        (b"0\r\n", b"x: y\r\n" * 10_000),
        (b"1;x=", b"a" * 100_000),
        (b"", b"1;" + b"a" * 50_000 + b"\r\nx\r\n"),
    ],
    ids=["trailer line", "trailers", "chunk extension", "chunk extensions"],
)
async def test_what_never_ends_behind_a_head_is_refused(
    gateway: GatewayProcess, head: bytes, start: bytes, piece: bytes
):
    before = psutil.Process(gateway.pid).memory_info().rss
    wire = await Wire.open(gateway.port)
    await wire.send(head + start)
    pouring = asyncio.create_task(_poured(wire, piece, 20 * MEGABYTE))
    answer = await wire.answer()
    # The control plane may have refused the method by then.
    assert answer.status in (431, 431 if head is DATA else 405)
    # Data that meets a closed socket resets it, which is an end as well.
    ended = await wire.closed()
    assert ended
    assert await pouring < 10 * MEGABYTE
    assert psutil.Process(gateway.pid).memory_info().rss - before < 5 * MEGABYTE


async def test_small_chunks_and_signed_ones_are_taken(gateway: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gateway.port)
    await wire.send(DATA)
    for _ in range(20):
        await wire.send(b"1\r\nx\r\n" * 3000)
        await wire.send((b"100;chunk-signature=" + b"0" * 64 + b"\r\n" + b"y" * 256 + b"\r\n") * 100)
    await wire.send(b"0\r\nx-checksum: 1\r\n\r\n")
    assert (await wire.answer()).status == 200
    assert len(upstream.seen[0].body) == 20 * (3000 + 25_600)


async def test_only_what_follows_a_body_counts_for_the_next_head(gateway: GatewayProcess):
    wire = await Wire.open(gateway.port)
    await wire.send(request("POST", "/api/v1/things", {"content-length": "60000"}))
    await asyncio.sleep(0.05)
    await wire.send(b"x" * 60_000 + b"GET /api/v1/things HTTP/1.1\r\nho")
    await asyncio.sleep(0.1)
    await wire.send(b"st: a\r\n\r\n")
    assert [(await wire.answer()).status for _ in range(2)] == [200, 200]


@pytest.fixture(scope="module")
async def patient(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    """It cuts nobody who does not read, however slow the machine."""
    process = GatewayProcess(running_upstream.port, valkey.port, CLIENT_SECONDS="60")
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


@pytest.mark.parametrize("target", ["/nowhere/", "/api/v1/things?q=", "/docs/assets/swagger-ui.css?q="])
async def test_answers_that_nobody_reads_do_not_pile_up(patient: GatewayProcess, target: str):
    gateway = patient
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.connect(("127.0.0.1", gateway.port))
    link.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=link, limit=1000)
    # Long, so that one read of the gateway has no more of them than it lets queue.
    target += "a" * 7000
    process = psutil.Process(gateway.pid)
    before = process.memory_info().rss
    count = 6000
    pouring = asyncio.create_task(_all(writer, request("GET", target) * 30, count // 30))
    await _stands_still(writer.transport)
    assert process.memory_info().rss - before < 16 * MEGABYTE
    assert not pouring.done()
    # Another client is served, and this one too as soon as it reads.
    assert (await ask(gateway.port, "GET", "/health/live")).status == 200
    answers, tail = 0, b""
    async with asyncio.timeout(60):
        while answers < 200:
            data = await reader.read(1 << 16)
            assert data, answers
            answers += (tail + data).count(b"HTTP/1.1 ")
            tail = data[-8:]
    pouring.cancel()
    writer.transport.abort()


async def _stands_still(transport: asyncio.WriteTransport) -> None:
    """Until the other side has taken nothing more for a while."""
    left = since = 0.0
    async with asyncio.timeout(60):
        while not left or time.monotonic() - since < 0.4:
            if transport.get_write_buffer_size() != left:
                left, since = transport.get_write_buffer_size(), time.monotonic()
            await asyncio.sleep(0.02)


async def _all(writer: asyncio.StreamWriter, data: bytes, times: int) -> None:
    for _ in range(times):
        writer.write(data)
        await writer.drain()


@pytest.fixture(scope="module")
async def impatient(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    process = GatewayProcess(running_upstream.port, valkey.port, KEEP_ALIVE_SECONDS="1", CLIENT_SECONDS="1")
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


UNWATCHED = {
    "nothing": (b"", b""),
    "a blank line": (b"\r\n", b""),
    "blank lines": (b"\r\n", b"\r\n"),
    "a head": (b"GET /", b"a"),
    "blank lines after an answer": (request("GET", "/api/v1/things"), b"\r\n"),
    "a body for the control plane": (b"POST /health/live HTTP/1.1\r\nhost: a\r\ncontent-length: 9999\r\n\r\n", b"x"),
    "the next head": (request("GET", "/health/live") + b"GET /", b"a"),
}


@pytest.mark.parametrize(("first", "trickle"), UNWATCHED.values(), ids=UNWATCHED.keys())
async def test_no_connection_is_held_by_a_trickle(impatient: GatewayProcess, first: bytes, trickle: bytes):
    wire = await Wire.open(impatient.port)
    await wire.send(first)
    slow = asyncio.create_task(_slowly(wire, trickle))
    try:
        async with asyncio.timeout(60):
            while await wire.reader.read(65536):
                pass
        ended = True
    except ConnectionError:
        ended = True
    except TimeoutError:
        ended = False
    slow.cancel()
    assert ended


async def _slowly(wire: Wire, piece: bytes) -> None:
    try:
        while piece:
            await asyncio.sleep(0.2)
            await wire.send(piece)
    except ConnectionError:
        pass


async def test_a_client_that_takes_no_answers_is_let_go(impatient: GatewayProcess):
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.connect(("127.0.0.1", impatient.port))
    link.setblocking(False)
    piece = request("GET", "/nowhere/" + "a" * 4000) * 10
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(_endlessly(link, piece), PATIENCE_SECONDS)
    link.close()


async def _endlessly(link: socket.socket, piece: bytes) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await loop.sock_sendall(link, piece)


async def test_a_client_that_stops_in_its_body_gets_408(impatient: GatewayProcess):
    wire = await Wire.open(impatient.port)
    await wire.send(b"POST /api/v1/things HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc")
    answer = await wire.answer()
    assert (answer.status, answer.code) == (408, "request_timeout")


async def test_a_client_that_stops_in_its_head_gets_408(impatient: GatewayProcess):
    wire = await Wire.open(impatient.port)
    await wire.send(b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx-")
    answer = await wire.answer()
    assert (answer.status, answer.code) == (408, "request_timeout")
