"""A slow upload holds no service's connection for long, and one client never all of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, request

from shared.testing.waiting import eventually

ROUTES = """
[upstreams.main]
url = "${MAIN_URL}"
max_connections = 4
wait = "500ms"
[[routes]]
path = "/upload"
methods = ["POST"]
upstream = "main"
identity = "ignored"
limits = []
timeouts = { total = "3s" }
[[routes]]
path = "/patient"
methods = ["POST"]
upstream = "main"
identity = "ignored"
limits = []
timeouts = { total = "60s" }
[upstreams.calm]
url = "${MAIN_URL}"
max_connections = 4
wait = "30s"
[[routes]]
path = "/calm"
methods = ["GET"]
upstream = "calm"
identity = "ignored"
limits = []
[[routes]]
path = "/things"
methods = ["GET"]
upstream = "main"
identity = "ignored"
limits = []
"""
HEAD = b"POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 900000\r\n\r\n"


@pytest.fixture(scope="module")
async def small(
    running_upstream: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    """Four connections to the service, one of them for a client at a time; 100 kB/s at least after a second."""
    routes: Path = tmp_path_factory.mktemp("routes") / "routes.toml"
    await asyncio.to_thread(routes.write_text, ROUTES)
    process = GatewayProcess(
        running_upstream.port,
        valkey.port,
        GATEWAY_ROUTES=str(routes),
        CLIENT_SECONDS="2",
        UPLOAD_GRACE_SECONDS="1",
        UPLOAD_RATE="100000",
    )
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


async def _from(address: str, port: int) -> Wire:
    return Wire(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))


async def _trickle(wire: Wire, piece: bytes, every: float) -> None:
    try:
        while True:
            await wire.send(piece)
            await asyncio.sleep(every)
    except ConnectionError:
        pass


async def test_a_body_is_collected_before_a_connection_is_taken(small: GatewayProcess, upstream: RawUpstream):
    uploads = [await Wire.open(small.port) for _ in range(8)]
    for wire in uploads:
        await wire.send(HEAD + b"x" * 60_000)
    await asyncio.sleep(0.2)
    assert upstream.seen == []
    other = await Wire.open(small.port)
    await other.send(request("GET", "/things"))
    assert (await other.answer()).status == 200
    for wire in uploads:
        wire.abort()


async def test_a_collected_body_arrives_whole(gateway: GatewayProcess):
    for size in (1, 65_535, 65_536, 65_537, 300_000):
        wire = await Wire.open(gateway.port)
        await wire.send(f"POST /api/v1/things HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n".encode())
        for start in range(0, size, 30_000):
            await wire.send(b"x" * min(30_000, size - start))
            await asyncio.sleep(0.001)
        answer = await wire.answer()
        assert (answer.status, answer.json()["size"]) == (200, size)
        chunked = await Wire.open(gateway.port)
        await chunked.send(b"POST /api/v1/things HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        await chunked.send(b"%x\r\n" % size + b"y" * size + b"\r\n0\r\n\r\n")
        answer = await chunked.answer()
        assert (answer.status, answer.json()["size"]) == (200, size)


async def test_a_trickling_body_ends_in_408_however_steady_it_is(small: GatewayProcess):
    wire = await Wire.open(small.port)
    await wire.send(HEAD.replace(b"/upload", b"/patient"))
    trickling = asyncio.create_task(_trickle(wire, b"x", 0.2))
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = await wire.answer()
    trickling.cancel()
    assert (answer.status, answer.code) == (408, "request_timeout")
    # The grace is one second, each piece alone would be in time, and the total of a minute did not end it.
    assert loop.time() - started < 30


async def test_the_total_deadline_ends_an_upload_that_keeps_the_rate(small: GatewayProcess):
    wire = await Wire.open(small.port)
    await wire.send(HEAD)
    # What came at once is enough for the rate for longer than three seconds, and the rest would take five.
    await wire.send(b"x" * 400_000)
    trickling = asyncio.create_task(_trickle(wire, b"x" * 10_000, 0.1))
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = await wire.answer()
    trickling.cancel()
    assert (answer.status, answer.code) == (408, "request_timeout")
    assert loop.time() - started > 2.5


async def test_one_client_never_holds_all_connections(small: GatewayProcess, upstream: RawUpstream):
    release = asyncio.Event()

    async def waits(call: Call) -> None:
        if call.seen.method == "POST":
            await release.wait()
        await call.read_body()
        await call.answer(200, b"ok")

    upstream.manner = waits
    # Each has sent enough to be given a connection.
    greedy = [await _from("127.0.0.9", small.port) for _ in range(6)]
    for wire in greedy:
        await wire.send(HEAD + b"x" * 70_000)
    await eventually(lambda: upstream.seen)
    await asyncio.sleep(0.2)
    assert len(upstream.seen) == 1
    for address in ("127.0.0.1", "127.0.0.2"):
        other = await _from(address, small.port)
        await other.send(request("GET", "/things"))
        assert (await other.answer()).status == 200
    refused = [await wire.answer() for wire in greedy[1:]]
    # They waited for the first one as long as their route lets an upload take.
    assert [(answer.status, answer.code) for answer in refused] == [(408, "request_timeout")] * 5
    # The share is given back: the same client is served again.
    greedy[0].abort()
    release.set()
    again = await _from("127.0.0.9", small.port)
    await again.send(request("GET", "/things"))
    assert (await again.answer()).status == 200


async def test_what_is_over_a_clients_share_waits_for_its_own(small: GatewayProcess, upstream: RawUpstream):
    async def soon(call: Call) -> None:
        await asyncio.sleep(0.02)
        await call.answer(200, b"ok")

    upstream.manner = soon
    wires = [await _from("127.0.0.9", small.port) for _ in range(10)]
    for wire in wires:
        await wire.send(request("GET", "/calm"))
    assert [(await wire.answer()).status for wire in wires] == [200] * 10
