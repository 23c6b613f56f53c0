"""Requests whose headers repeat to the byte skip the parser: nothing may differ but the time it takes."""

import pytest
from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Wire

_TIMES = 4
_HEADERS = "\r\nhost: example.com\r\nx-mine: 1\r\n\r\n"


async def _talk(gateway: GatewayProcess, *requests: str) -> tuple[Wire, list[int]]:
    wire = await Wire.open(gateway.port)
    statuses: list[int] = []
    for line in requests:
        await wire.send(line.encode("latin-1"))
        statuses.append((await wire.answer(head_only=line.startswith("HEAD"))).status)
    return wire, statuses


async def test_the_upstream_sees_each_as_it_was_sent(gateway: GatewayProcess, upstream: RawUpstream):
    lines = ["GET /api/v1/things/1", "GET /api/v1/things/2?a=b", "HEAD /api/v1/things/3", "GET /api/v2/things/4"]
    wire, statuses = await _talk(gateway, *(f"{line} HTTP/1.1{_HEADERS}" for line in lines))
    assert statuses == [200] * 4
    assert [f"{seen.method} {seen.target}" for seen in upstream.seen] == lines
    assert {seen.get("x-mine") for seen in upstream.seen} == {"1"}
    assert len({seen.get("x-request-id") for seen in upstream.seen}) == 4
    assert len({seen.get("traceparent") for seen in upstream.seen}) == 4
    wire.close()


async def test_pipelined_ones_are_answered_in_order(gateway: GatewayProcess, upstream: RawUpstream):
    wire, _ = await _talk(gateway, f"GET /api/v1/things/0 HTTP/1.1{_HEADERS}")
    for number in range(1, 6):
        await wire.send(f"GET /api/v1/things/{number} HTTP/1.1{_HEADERS}".encode())
    assert [(await wire.answer()).status for _ in range(5)] == [200] * 5
    assert [seen.target for seen in upstream.seen] == [f"/api/v1/things/{number}" for number in range(6)]
    wire.close()


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /api/v1/things/../private HTTP/1.1", 400),
        ("GET /nowhere HTTP/1.1", 404),
        ("GET /api/v1/things/1 HTTP/1.1\r\nhost: twice.example", 400),
        ("GET /api/v1/things/1 HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 1", 400),
        ("GET /api/v1/things/1 HTTP/1.2", 400),
        ("get /api/v1/things/1 HTTP/1.1", 400),
        (f"GET /{'a' * 8200} HTTP/1.1", 414),
        ("GET /health/live HTTP/1.1", 200),
        ("POST /api/v1/things HTTP/1.1", 200),
        ("\r\nGET /api/v1/things/1 HTTP/1.1", 200),
    ],
)
async def test_what_stands_before_the_same_headers_is_judged_as_ever(gateway: GatewayProcess, line: str, status: int):
    first = f"GET /api/v1/things/1 HTTP/1.1{_HEADERS}"
    wire, alone = await _talk(gateway, line + _HEADERS)
    wire.close()
    wire, [_, _, repeated] = await _talk(gateway, first, first, line + _HEADERS)
    wire.close()
    assert [repeated] == alone == [status]


async def test_a_body_ends_the_repetition(gateway: GatewayProcess, upstream: RawUpstream):
    body = "GET /api/v1/things/9 HTTP/1.1" + _HEADERS
    wire, statuses = await _talk(
        gateway,
        f"GET /api/v1/things/1 HTTP/1.1{_HEADERS}",
        f"POST /api/v1/things HTTP/1.1\r\nhost: example.com\r\ncontent-length: {len(body)}\r\n\r\n{body}",
        f"GET /api/v1/things/2 HTTP/1.1{_HEADERS}",
    )
    assert statuses == [200] * 3
    assert [seen.target for seen in upstream.seen] == ["/api/v1/things/1", "/api/v1/things", "/api/v1/things/2"]
    wire.close()


async def test_a_body_that_comes_later_is_no_request(gateway: GatewayProcess, upstream: RawUpstream):
    """The headers of the request before would fit: what is in a body is no request all the same."""
    inner = f"GET /api/v1/private HTTP/1.1{_HEADERS}"
    wire, _ = await _talk(gateway, f"GET /api/v1/things/1 HTTP/1.1{_HEADERS}")
    await wire.send(
        f"POST /api/v1/things HTTP/1.1\r\nhost: example.com\r\ncontent-length: {len(inner)}\r\n\r\n".encode()
    )
    await wire.send(inner.encode())
    assert (await wire.answer()).status == 200
    assert [seen.target for seen in upstream.seen] == ["/api/v1/things/1", "/api/v1/things"]
    wire.close()


async def test_a_repeated_head_may_ask_for_a_path_that_ends_in_a_slash(routing: GatewayProcess):
    """Only some tables take one; it was refused from the third request of a connection on."""
    wire = await Wire.open(routing.port)
    statuses: list[int] = []
    for _ in range(4):
        await wire.send(b"GET /files/x/ HTTP/1.1\r\nhost: gateway.test\r\n\r\n")
        statuses.append((await wire.answer()).status)
    wire.close()
    assert len(set(statuses)) == 1


@pytest.mark.parametrize("tail", ["\r", "\r\n", "\r\n\r", "\n"])
async def test_what_follows_the_headers_is_no_part_of_them(gateway: GatewayProcess, tail: str):
    """The same bytes, once a request a read and once in halves, which no memory fits."""

    async def statuses(pieces: list[str]) -> list[int]:
        wire = await Wire.open(gateway.port)
        found: list[int] = []
        for number, piece in enumerate(pieces):
            await wire.send(piece.encode())
            if len(pieces) == _TIMES or number % 2:
                found.append((await wire.answer()).status)
                if found[-1] != 200:
                    break
        wire.close()
        return found

    whole = f"GET /api/v1/things/1 HTTP/1.1{_HEADERS}{tail}"
    halves = [whole[:20], whole[20:]] * _TIMES
    assert await statuses([whole] * _TIMES) == await statuses(halves)
