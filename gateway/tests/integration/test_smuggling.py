"""TRAPS, Gateway: forwarding 3 and 10: one reading of every request, or none."""

import pytest
from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask

POST = b"POST /api/v1/things HTTP/1.1\r\nhost: a\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"

AMBIGUOUS = {
    "CL and TE": POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE and CL": POST + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    "two CL": POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    "two equal CL": POST + b"content-length: 5\r\ncontent-length: 5\r\n\r\nabcde",
    "CL list": POST + b"content-length: 5, 5\r\n\r\nabcde",
    "CL with a sign": POST + b"content-length: +5\r\n\r\nabcde",
    "two hosts": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "no host": b"GET /api/v1/things HTTP/1.1\r\n\r\n",
    "bad host": b"GET /api/v1/things HTTP/1.1\r\nhost: a/b\r\n\r\n",
    "space before the colon": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx-a : 1\r\n\r\n",
    "obs-fold": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx-a: 1\r\n b\r\n\r\n",
    "bare LF": b"GET /api/v1/things HTTP/1.1\nhost: a\n\n",
    "bare LF between headers": b"GET /api/v1/things HTTP/1.1\r\nhost: a\nx-a: 1\r\n\r\n",
    "bare CR": b"GET /api/v1/things HTTP/1.1\r\nhost: a\rx-a: 1\r\n\r\n",
    "NUL": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx-a: a\x00b\r\n\r\n",
    "0x chunk": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "_ chunk": CHUNKED + b"1_0\r\nabc\r\n0\r\n\r\n",
    "+ chunk": CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n",
    "negative chunk": CHUNKED + b"-1\r\n\r\n0\r\n\r\n",
    "overlong chunk": CHUNKED + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "empty chunk size": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "space before a chunk size": CHUNKED + b" 3\r\nabc\r\n0\r\n\r\n",
    "space behind a chunk size": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "tab behind a chunk size": CHUNKED + b"3\t\r\nabc\r\n0\r\n\r\n",
    "chunk longer than it says": CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n",
    "chunk without its end": CHUNKED + b"3\r\nabc0\r\n\r\n",
    "chunk ended by LF": CHUNKED + b"3\r\nabc\n0\r\n\r\n",
    "LF in a chunk extension": CHUNKED + b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "CR in a chunk extension": CHUNKED + b"3;a\rb\r\nabc\r\n0\r\n\r\n",
    "NUL in a chunk extension": CHUNKED + b"3;a\x00b\r\nabc\r\n0\r\n\r\n",
    "CL as a trailer": CHUNKED + b"0\r\ncontent-length: 5\r\n\r\n",
    "TE as a trailer": CHUNKED + b"0\r\ntransfer-encoding: chunked\r\n\r\n",
    "folded trailer": CHUNKED + b"0\r\nx: a\r\n b\r\n\r\n",
    "trailer with LF": CHUNKED + b"0\r\nx: a\ny: b\r\n\r\n",
    "chunk with LF": CHUNKED + b"3\nabc\n0\n\n",
    "TE not chunked": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "TE gzip": POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "TE twice": POST + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "TE identity last": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "TE identity first": POST + b"transfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "TE identity": POST + b"transfer-encoding: identity\r\n\r\n",
    "TE x-chunked": POST + b"transfer-encoding: x-chunked\r\n\r\n0\r\n\r\n",
    "TE chunked twice": POST + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "TE in quotes": POST + b'transfer-encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "TE with a parameter": POST + b"transfer-encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
    "TE with a control": POST + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "TE folded": POST + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "TE with a space before the colon": POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "TE behind a bare CR": POST + b"x: a\rtransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE behind a bare LF": POST + b"x: a\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE empty": POST + b"transfer-encoding:\r\ncontent-length: 5\r\n\r\nabcde",
    "CL empty": POST + b"content-length:\r\n\r\n",
    "CL hex": POST + b"content-length: 0x5\r\n\r\nabcde",
    "CL negative": POST + b"content-length: -5\r\n\r\n",
    "CL with an underscore": POST + b"content-length: 1_0\r\n\r\nabcdefghij",
    "CL with a space": POST + b"content-length: 1 0\r\n\r\nabcdefghij",
    "CL overlong": POST + b"content-length: 99999999999999999999999\r\n\r\n",
    "CL in other digits": POST + b"content-length: \xd9\xa5\r\n\r\nabcde",
    "CL folded": POST + b"content-length:\r\n 5\r\n\r\nabcde",
    "CL and CL with a space": POST + b"content-length: 5\r\ncontent-length : 6\r\n\r\nabcdef",
    "TE on 1.0": b"POST /api/v1/things HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "authority with user": b"GET http://u:p@h/api/v1/things HTTP/1.1\r\nhost: a\r\n\r\n",
    "authority list": b"GET http://a,b;c/api/v1/things HTTP/1.1\r\nhost: a\r\n\r\n",
    "authority quoted": b'GET http://a"b/api/v1/things HTTP/1.1\r\nhost: a\r\n\r\n',
    "no authority": b"GET http:///api/v1/things HTTP/1.1\r\nhost: a\r\n\r\n",
    "authority with a long port": b"GET http://a:99999999/api/v1/things HTTP/1.1\r\nhost: a\r\n\r\n",
    "folded first header": b"GET /api/v1/things HTTP/1.1\r\n host: a\r\n\r\n",
    "empty header name": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\n: 1\r\n\r\n",
    "header without a colon": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx\r\n\r\n",
    "header name with a tab": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx\ty: 1\r\n\r\n",
    "header name with obs-text": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx\xe9: 1\r\n\r\n",
    "header name with NUL": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx\x00: 1\r\n\r\n",
    "header value with DEL": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx: a\x7fb\r\n\r\n",
    "header value with a control": b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx: a\x0bb\r\n\r\n",
    "method with a control": b"GE\x01T /api/v1/things HTTP/1.1\r\nhost: a\r\n\r\n",
    "tab in the line": b"GET\t/api/v1/things\tHTTP/1.1\r\nhost: a\r\n\r\n",
    "target with obs-text": b"GET /api/v1/things/\xff HTTP/1.1\r\nhost: a\r\n\r\n",
    "lower-case http": b"GET /api/v1/things http/1.1\r\nhost: a\r\n\r\n",
    "HTTP/1.10": b"GET /api/v1/things HTTP/1.10\r\nhost: a\r\n\r\n",
    "no version": b"GET /api/v1/things\r\n\r\n",
    "HTTP/0.9": b"GET /api/v1/things HTTP/0.9\r\nhost: a\r\n\r\n",
    "CONNECT": b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("raw", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_trap_10_what_can_be_read_twice_is_400_and_close(
    gateway: GatewayProcess, upstream: RawUpstream, raw: bytes
):
    await ask(gateway.port, "GET", "/api/v1/things")  # leaves a connection that a smuggled request could take
    wire = await Wire.open(gateway.port)
    await wire.send(raw + b"GET /api/v1/things?smuggled HTTP/1.1\r\nhost: a\r\n\r\n")
    answer = await wire.answer()
    assert (answer.status, answer["connection"]) == (400, "close")
    assert answer.code in ("bad_request", "bad_path")
    assert await wire.closed()
    assert not [seen for seen in upstream.seen if "smuggled" in seen.target]


async def test_http_2_in_a_request_line_is_505_and_close(gateway: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gateway.port)
    await wire.send(b"GET /api/v1/things HTTP/2.0\r\nhost: a\r\n\r\n")
    answer = await wire.answer()
    assert (answer.status, answer.code, answer["connection"]) == (505, "http_version_not_supported", "close")
    assert await wire.closed()
    assert upstream.seen == []


PATHS = [
    "/api/v1/things/%2e%2e/private",
    "/api/v1/things/../private",
    "/api/v1/./private",
    "/api/v1/things%2F1",
    "/api/v1/things/%5c..",
    "/api/v1/things/a\\b",
    "/api/v1//private",
    "//api/v1/private",
    "/api/v1/things;x=1/1",
    "/api/v1/things/",
    "/api/v1/priv%61te",
    "/api/v1/things/a%00",
    "/api/v1/things/%25",
    "/api/v1/things/%zz",
    "/api/v1/things/%",
    "/api/v1/things#a",
    "/internal/../api/v1/things",
]


@pytest.mark.parametrize("path", PATHS)
async def test_trap_3_a_path_with_two_readings_is_400(gateway: GatewayProcess, upstream: RawUpstream, path: str):
    answer = await ask(gateway.port, "GET", path)
    assert (answer.status, answer.code) == (400, "bad_path" if "\\" not in path else answer.code)
    assert upstream.seen == []


@pytest.mark.parametrize(
    "path",
    ["/api/v1/thingsX", "/api/v1/private1", "/API/v1/things", "/internal/api-keys/exchange", "/api/v1", "/docs/x"],
)
async def test_trap_3_a_prefix_is_no_match(gateway: GatewayProcess, upstream: RawUpstream, path: str):
    answer = await ask(gateway.port, "POST", path)
    assert (answer.status, answer.code) == (404, "route_not_found")
    assert upstream.seen == []


async def test_needed_escapes_pass_as_they_came(gateway: GatewayProcess, upstream: RawUpstream):
    answer = await ask(gateway.port, "GET", "/api/v2/things/caf%C3%A9%20x")
    assert answer.status == 200
    assert upstream.seen[0].target == "/api/v2/things/caf%C3%A9%20x"


async def test_the_absolute_form_is_taken_and_its_authority_counts(gateway: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gateway.port)
    await wire.send(b"GET http://other.test/api/v1/things?x HTTP/1.1\r\nhost: a\r\n\r\n")
    assert (await wire.answer()).status == 200
    assert upstream.seen[0].target == "/api/v1/things?x"
    assert upstream.seen[0].get("host") == "other.test"


async def test_nothing_after_connection_close_is_a_request(gateway: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gateway.port)
    await wire.send(
        b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        b"GET /api/v1/things?smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
    )
    answer = await wire.answer()
    assert answer["connection"] == "close"
    assert await wire.closed()
    assert not [seen for seen in upstream.seen if "smuggled" in seen.target]


async def test_tabs_and_obs_text_in_values_pass_as_they_came(gateway: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gateway.port)
    await wire.send(b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx-a:\t a\tb \xe9\xff \r\nx-empty:\r\n\r\n")
    assert (await wire.answer()).status == 200
    assert b"\r\nx-a: a\tb \xe9\xff" in upstream.seen[0].raw_head
    assert b"\r\nx-empty: \r\n" in upstream.seen[0].raw_head


SPLITS = {
    "bare CR in a value": b"x: a\rset-cookie: b=c\r\n",
    "bare LF in a value": b"x: a\nset-cookie: b=c\r\n",
    "NUL in a value": b"x: a\x00b\r\n",
    "fold": b"x: a\r\n b\r\n",
    "space before the colon": b"x : a\r\n",
    "CL and TE": b"transfer-encoding: chunked\r\n",
    "two CL": b"content-length: 9\r\n",
}


@pytest.mark.parametrize("lines", SPLITS.values(), ids=SPLITS.keys())
async def test_an_answer_that_can_be_read_twice_is_502(gateway: GatewayProcess, upstream: RawUpstream, lines: bytes):
    async def splits(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" + lines + b"\r\nok")

    upstream.manner = splits
    answer = await ask(gateway.port, "GET", "/api/v1/things")
    assert (answer.status, answer.get("set-cookie")) == (502, None)
