"""What passes as it is: trailers, interim answers, HEAD, ranges (TRAPS, forwarding 9)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

ROUTES = Path(__file__).parent / "wire.toml"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
TRAILERS = (
    b"grpc-status: 0\r\nServer-Timing: db;dur=5\r\ncontent-digest: sha-256=:eA==:\r\n"
    b"set-cookie: a=b\r\ncontent-type: text/html\r\nlocation: /x\r\nx-request-id: mine\r\nconnection: close\r\n"
    b"access-control-allow-origin: *\r\nstrict-transport-security: max-age=0\r\n"
)


@pytest.fixture(scope="module")
async def gate(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    process = GatewayProcess(
        running_upstream.port,
        valkey.port,
        GATEWAY_ROUTES=str(ROUTES),
        SOCKET_URL=f"http://127.0.0.1:{running_upstream.port}",
    )
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


async def _raw(gateway: GatewayProcess, headers: dict[str, str], end: bytes) -> bytes:
    wire = await Wire.open(gateway.port)
    await wire.send(request("GET", "/plain", headers))
    received = b""
    async with asyncio.timeout(60):
        while not received.endswith(end):
            data = await wire.reader.read(65536)
            assert data, received
            received += data
    wire.close()
    return received


async def trailing(call: Call) -> None:
    await call.send(HEAD + b"%x\r\n" % 2000 + b"x" * 2000 + b"\r\n0\r\n" + TRAILERS + b"\r\n")


async def test_trailers_pass_to_who_asked_unless_they_steer(gate: GatewayProcess, upstream: RawUpstream):
    upstream.manner = trailing
    received = await _raw(gate, {"te": "gzip;q=0.5, trailers"}, b"eA==:\r\n\r\n")
    trailers = received.rpartition(b"\r\n0\r\n")[2]
    assert trailers == b"grpc-status: 0\r\nserver-timing: db;dur=5\r\ncontent-digest: sha-256=:eA==:\r\n\r\n"
    assert (upstream.seen[0].get("te"), upstream.seen[0].get("connection")) == ("trailers", "te")


async def test_who_did_not_ask_gets_no_trailers(gate: GatewayProcess, upstream: RawUpstream):
    upstream.manner = trailing
    for headers in ({}, {"te": "gzip"}, {"te": "xtrailers"}):
        assert b"grpc-status" not in await _raw(gate, headers, b"0\r\n\r\n")
    assert [seen.get("te") for seen in upstream.seen] == [None] * 3


async def test_a_digest_of_other_bytes_is_no_trailer_of_compressed_ones(gate: GatewayProcess, upstream: RawUpstream):
    upstream.manner = trailing
    received = await _raw(gate, {"te": "trailers", "accept-encoding": "gzip"}, b"db;dur=5\r\n\r\n")
    assert b"content-encoding: gzip" in received
    assert b"content-digest" not in received


async def test_trailers_of_a_request_are_no_headers_of_it(gate: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gate.port)
    await wire.send(
        b"POST /plain HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-user-id\r\n\r\n"
        b"1\r\na\r\n0\r\nx-user-id: 1\r\nauthorization: Bearer x\r\nhost: b\r\n\r\n" + request("GET", "/plain?next")
    )
    assert [(await wire.answer()).status for _ in range(2)] == [200, 200]
    first, second = upstream.seen
    assert first.body == b"a"
    assert second.target == "/plain?next"
    for seen in (first, second):
        assert not {"x-user-id", "authorization", "trailer"} & {name for name, _ in seen.headers}


async def test_trailers_without_end_break_the_answer(gate: GatewayProcess, upstream: RawUpstream):
    async def endless(call: Call) -> None:
        await call.send(HEAD + b"1\r\nx\r\n0\r\n")
        # More than a head may have of names and values: it is not the time that ends it.
        await call.send(b"a: b\r\n" * 40_000)
        assert await call.hung_up()

    upstream.manner = endless
    with pytest.raises(ConnectionError):
        await ask(gate.port, "GET", "/plain", {"te": "trailers"})


async def test_early_hints_pass_and_then_the_answer(gate: GatewayProcess, upstream: RawUpstream):
    async def hints(call: Call) -> None:
        await call.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n" * 2)
        await call.answer(200, b"ok")

    upstream.manner = hints
    answer = await ask(gate.port, "GET", "/plain")
    assert (answer.interim, answer.status, answer.body) == ([103, 103], 200, b"ok")


async def test_interim_answers_without_end_are_no_answer(gate: GatewayProcess, upstream: RawUpstream):
    async def endless(call: Call) -> None:
        for _ in range(2000):
            await call.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n")

    upstream.manner = endless
    answer = await ask(gate.port, "GET", "/plain")
    assert answer.status == 502


EXPECT = {"expect": "100-continue", "content-length": "5"}


async def test_trap_9_the_service_says_whether_the_body_may_come(gate: GatewayProcess, upstream: RawUpstream):
    async def continues(call: Call) -> None:
        await call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await call.read_body()
        await call.answer(200, call.seen.body)

    upstream.manner = continues
    wire = await Wire.open(gate.port)
    await wire.send(request("POST", "/plain", EXPECT))
    async with asyncio.timeout(60):
        assert (await wire.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    await wire.send(b"hello" + request("GET", "/plain?next"))
    answer = await wire.answer()
    assert (answer.status, answer.body) == (200, b"hello")
    assert (await wire.answer()).status == 200


async def test_trap_9_a_body_that_was_declined_is_not_taken_for_a_request(gate: GatewayProcess, upstream: RawUpstream):
    async def declines(call: Call) -> None:
        await call.answer(417 if call.seen.get("expect") else 200)
        if call.seen.get("expect"):
            assert await call.hung_up()

    upstream.manner = declines
    wire = await Wire.open(gate.port)
    hidden = request("GET", "/plain?hidden")
    await wire.send(request("POST", "/plain", {"expect": "100-continue", "content-length": str(len(hidden))}))
    answer = await wire.answer()
    assert (answer.status, answer["connection"], answer.interim) == (417, "close", [])
    await wire.send(hidden)
    assert await wire.closed()
    assert [seen.target for seen in upstream.seen] == ["/plain"]


async def test_an_answer_to_who_did_not_wait_for_100(gate: GatewayProcess, upstream: RawUpstream):
    async def never_says(call: Call) -> None:
        await call.read_body()
        await call.answer(200, call.seen.body)

    upstream.manner = never_says
    wire = await Wire.open(gate.port)
    await wire.send(request("POST", "/plain", EXPECT) + b"hello")
    answer = await wire.answer()
    assert (answer.status, answer.body, answer.interim) == (200, b"hello", [])


async def test_head_and_ranges_pass_untouched(gate: GatewayProcess, upstream: RawUpstream):
    part = b"--b\r\ncontent-range: bytes 0-1/9\r\n\r\nab\r\n--b--\r\n"

    async def ranges(call: Call) -> None:
        if call.seen.method == "HEAD":
            await call.send(b'HTTP/1.1 200 OK\r\ncontent-length: 9000\r\naccept-ranges: bytes\r\netag: "1"\r\n\r\n')
        elif "multi" in call.seen.target:
            await call.answer(206, part, ("content-type", "multipart/byteranges; boundary=b"), ("etag", '"1"'))
        else:
            await call.answer(206, b"ab", ("content-type", "text/plain"), ("content-range", "bytes 0-1/9"))

    upstream.manner = ranges
    answer = await ask(gate.port, "HEAD", "/plain", {"accept-encoding": "gzip"})
    assert (answer["content-length"], answer["accept-ranges"], answer["etag"]) == ("9000", "bytes", '"1"')
    answer = await ask(gate.port, "GET", "/plain", {"range": "bytes=0-1", "if-range": '"1"', "accept-encoding": "gzip"})
    assert (answer.status, answer.body, answer["content-range"]) == (206, b"ab", "bytes 0-1/9")
    assert (upstream.seen[1].get("range"), upstream.seen[1].get("if-range")) == ("bytes=0-1", '"1"')
    answer = await ask(gate.port, "GET", "/plain?multi", {"range": "bytes=0-1,3-4", "accept-encoding": "gzip"})
    assert (answer.status, answer.body, answer["etag"]) == (206, part, '"1"')
    assert answer["content-type"] == "multipart/byteranges; boundary=b"
