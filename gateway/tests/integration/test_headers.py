"""CONTRACT, headers on every answer; compression and entity tags; trace context (TRAPS, forwarding 13)."""

import asyncio
import gzip
import re
import zlib

import brotli
import pytest
import zstandard
from gateway_testing.process import GatewayProcess
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Answer, Wire, ask, request

from shared.testing.waiting import PATIENCE_SECONDS

BODY = b'{"text": "' + b"gatehouse " * 500 + b'"}'
STANDING = (
    "x-request-id",
    "traceresponse",
    "x-content-type-options",
    "x-frame-options",
    "strict-transport-security",
    "referrer-policy",
    "content-security-policy",
    "x-xss-protection",
    "date",
)


async def sends_json(call: Call) -> None:
    await call.read_body()
    match = call.seen.get("if-none-match")
    if match == '"7"':
        await call.answer(304, b"", ("etag", '"7"'))
    elif call.seen.get("range"):
        await call.answer(206, BODY[:2000], ("content-type", "application/json"), ("content-range", "bytes 0-1999/*"))
    else:
        await call.answer(200, BODY, ("content-type", "application/json"), ("etag", '"7"'), ("accept-ranges", "bytes"))


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/api/v1/things", 200),
        ("GET", "/api/v1/private", 401),
        ("GET", "/nowhere", 404),
        ("PATCH", "/api/v1/private", 405),
        ("GET", "/api/v1/things//", 400),
        ("GET", "/api/v1/dead", 502),
        ("GET", "/api/v1/gone/1", 410),
        ("GET", "/health/live", 200),
        ("GET", "/health/ready", 200),
        ("HEAD", "/health/live", 200),
        ("GET", "/metrics", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 200),
        ("GET", "/docs/assets/swagger-ui.css", 200),
        ("GET", "/docs/assets/none.js", 404),
        ("GET", "/", 200),
        ("DELETE", "/", 405),
    ],
)
async def test_standing_headers(gateway: GatewayProcess, method: str, target: str, status: int):
    answer = await ask(gateway.port, method, target)
    assert answer.status == status
    for name in STANDING:
        assert len(answer.all(name)) == 1, name
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["x-frame-options"] == "DENY"
    assert answer.get("server") is None
    assert "unsafe-eval" not in answer["content-security-policy"]


async def test_standing_headers_on_what_does_not_parse(gateway: GatewayProcess):
    wire = await Wire.open(gateway.port)
    await wire.send(b"BREW / HTCPCP/1.0\r\n\r\n")
    answer = await wire.answer()
    assert (answer.status, answer.code) == (400, "bad_request")
    for name in STANDING:
        assert len(answer.all(name)) == 1, name


async def test_a_sane_request_id_is_kept_and_another_is_not(gateway: GatewayProcess, upstream: RawUpstream):
    answer = await ask(gateway.port, "GET", "/api/v1/things", {"x-request-id": "abc-123.X"})
    assert answer["x-request-id"] == "abc-123.X"
    assert upstream.seen[0].all("x-request-id") == ["abc-123.X"]
    for bad in ("a b", "x" * 200, '"><script>', "-a"):
        answer = await ask(gateway.port, "GET", "/api/v1/things", {"x-request-id": bad})
        assert re.fullmatch(r"[0-9a-f]{32}", answer["x-request-id"])
    assert (await ask(gateway.port, "GET", "/health/live", {"x-request-id": "mine"}))["x-request-id"] == "mine"


DECODE = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


@pytest.mark.parametrize("coding", DECODE)
async def test_compression_by_accept_encoding(gateway: GatewayProcess, upstream: RawUpstream, coding: str):
    upstream.manner = sends_json
    answer = await ask(gateway.port, "GET", "/api/v1/things", {"accept-encoding": coding})
    assert answer["content-encoding"] == coding
    assert DECODE[coding](answer.body) == BODY
    assert answer.all("vary") == ["Accept-Encoding"]
    assert answer.get("accept-ranges") is None
    assert answer.get("content-length") is None
    own = await ask(gateway.port, "GET", "/openapi.json", {"accept-encoding": coding})
    assert own["content-encoding"] == coding
    assert DECODE[coding](own.body).startswith(b'{"openapi"')


@pytest.mark.parametrize(
    "accept", [None, "identity", "gzip;q=0", "deflate", "*;q=0", "identity;q=1, gzip;q=0.5", "compress"]
)
async def test_no_compression_unasked(gateway: GatewayProcess, upstream: RawUpstream, accept: str | None):
    upstream.manner = sends_json
    answer = await ask(gateway.port, "GET", "/api/v1/things", {"accept-encoding": accept} if accept else {})
    assert answer.body == BODY
    assert answer.get("content-encoding") is None
    assert (answer["etag"], answer.all("vary")) == ('"7"', ["Accept-Encoding"])


async def test_a_part_of_a_file_is_never_compressed(gateway: GatewayProcess, upstream: RawUpstream):
    upstream.manner = sends_json
    answer = await ask(gateway.port, "GET", "/api/v1/things", {"accept-encoding": "gzip", "range": "bytes=0-1999"})
    assert (answer.status, answer.body, answer.get("content-encoding")) == (206, BODY[:2000], None)


async def test_the_tag_of_a_coded_answer_works_in_conditional_requests(gateway: GatewayProcess, upstream: RawUpstream):
    upstream.manner = sends_json
    gzipped = {"accept-encoding": "gzip"}
    tag = (await ask(gateway.port, "GET", "/api/v1/things", gzipped))["etag"]
    assert tag == '"7-gzip"'
    again = await ask(gateway.port, "GET", "/api/v1/things", {**gzipped, "if-none-match": tag})
    assert (again.status, again["etag"]) == (304, '"7-gzip"')
    await ask(gateway.port, "PUT", "/api/v1/things/1", {"if-match": f'"5", {tag}'}, b"{}")
    assert upstream.seen[-1].get("if-match") == '"5", "7"'
    await ask(gateway.port, "GET", "/api/v1/things", {"if-range": tag, "range": "bytes=0-1"})
    assert upstream.seen[-1].get("if-range") == tag  # matches nothing there, so a part never meets another coding


async def test_head_of_a_coded_answer(gateway: GatewayProcess, upstream: RawUpstream):
    upstream.manner = sends_json
    answer = await ask(gateway.port, "HEAD", "/api/v1/things", {"accept-encoding": "br"})
    assert (answer["content-encoding"], answer["etag"], answer.get("content-length")) == ("br", '"7-br"', None)


async def test_a_streamed_answer_is_flushed_piece_by_piece(gateway: GatewayProcess, upstream: RawUpstream):
    first_read = asyncio.Event()

    async def streams(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        await call.send(b"5\r\nfirst\r\n")
        await asyncio.wait_for(first_read.wait(), PATIENCE_SECONDS)
        await call.send(b"6\r\nsecond\r\n0\r\n\r\n")

    upstream.manner = streams
    wire = await Wire.open(gateway.port)
    await wire.send(request("GET", "/api/v1/things", {"accept-encoding": "gzip"}))
    head = await asyncio.wait_for(wire.reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
    assert b"content-encoding: gzip" in head
    unzip = zlib.decompressobj(31)
    text = b""
    while text != b"first":
        size = int((await asyncio.wait_for(wire.reader.readline(), PATIENCE_SECONDS)).strip(), 16)
        text += unzip.decompress((await wire.reader.readexactly(size + 2))[:-2])
    first_read.set()


def _ids(answer: Answer) -> tuple[str, str, str]:
    _, trace, span, flags = answer["traceresponse"].split("-")
    return trace, span, flags


async def test_trap_13_the_callers_trace_and_flag_are_kept(gateway: GatewayProcess, upstream: RawUpstream):
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    for flag in ("00", "01"):
        headers = {"traceparent": f"00-{trace}-{parent}-{flag}", "tracestate": "a=1", "baggage": "b=2"}
        answer = await ask(gateway.port, "GET", "/api/v1/things", headers)
        assert (_ids(answer)[0], _ids(answer)[2]) == (trace, flag)
        seen = upstream.seen[-1]
        _, forwarded, span, forwarded_flag = (seen.get("traceparent") or "").split("-")
        assert (forwarded, forwarded_flag) == (trace, flag)
        assert span not in (parent, _ids(answer)[1])
        assert (seen.get("tracestate"), seen.get("baggage")) == ("a=1", "b=2")


@pytest.mark.parametrize(
    "bad", ["00-0-0-01", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "ff-" + "1" * 32 + "-" + "1" * 16 + "-01", "x"]
)
async def test_a_bad_traceparent_starts_a_new_trace(gateway: GatewayProcess, upstream: RawUpstream, bad: str):
    answer = await ask(gateway.port, "GET", "/api/v1/things", {"traceparent": bad})
    assert int(_ids(answer)[0], 16)
    assert upstream.seen[0].all("traceparent") != [bad]


@pytest.mark.parametrize(
    "target", ["/docs/assets/swagger-ui-bundle.js", "/docs/assets/swagger-ui.css", "/openapi.json"]
)
async def test_assets_have_a_tag_and_are_304_to_who_has_them(gateway: GatewayProcess, target: str):
    first = await ask(gateway.port, "GET", target, {"accept-encoding": "br"})
    assert (first.status, first["content-encoding"]) == (200, "br")
    assert first["etag"].endswith('-br"')
    assert first["cache-control"] == ("no-cache" if target == "/openapi.json" else "public, max-age=3600")
    assert first.all("vary") == ["Accept-Encoding"]
    again = await ask(gateway.port, "GET", target, {"accept-encoding": "br", "if-none-match": first["etag"]})
    assert (again.status, again.body, again["etag"]) == (304, b"", first["etag"])
    plain = await ask(gateway.port, "GET", target)
    assert plain.get("content-encoding") is None
    assert plain.all("vary") == ["Accept-Encoding"]
    head = await ask(gateway.port, "HEAD", target, {"accept-encoding": "br"})
    assert (head["content-length"], head["etag"]) == (first["content-length"], first["etag"])


async def test_an_answer_to_credentials_is_private_unless_the_service_says_otherwise(
    gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    key = "gh_2_" + "p" * 43
    upstream.api_keys[key] = issuer.token("9")
    for credentials in ({"x-api-key": key}, {"authorization": f"Bearer {issuer.token()}"}):
        answer = await ask(gateway.port, "GET", "/api/v1/things", credentials)
        assert answer.all("cache-control") == ["private, no-cache"]
    assert (await ask(gateway.port, "GET", "/api/v1/things")).get("cache-control") is None

    async def says(call: Call) -> None:
        await call.answer(200, b"{}", ("cache-control", "public, max-age=5"))

    upstream.manner = says
    answer = await ask(gateway.port, "GET", "/api/v1/things", {"x-api-key": key})
    assert answer.all("cache-control") == ["public, max-age=5"]
