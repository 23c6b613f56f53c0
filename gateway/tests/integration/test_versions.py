"""CONTRACT, section 2: versions by path, Accept and query; deprecation and sunset; 404 and 405."""

import pytest
from gateway_testing.process import GatewayProcess
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import ask

V2 = "application/vnd.api+json;version=2"


@pytest.mark.parametrize(
    ("target", "accept", "version", "forwarded"),
    [
        ("/api/v1/things", None, "1", "/api/v1/things"),
        ("/api/v2/things?a=1", None, "2", "/api/v2/things?a=1"),
        ("/api/things", None, "1", "/api/v1/things"),
        ("/api/things?version=2", None, "2", "/api/v2/things"),
        ("/api/things?a=1&version=2&b=2", None, "2", "/api/v2/things?a=1&b=2"),
        ("/api/things", V2, "2", "/api/v2/things"),
        ("/api/things", f"text/html, {V2};q=0.9", "2", "/api/v2/things"),
        ("/api/things", "application/json", "1", "/api/v1/things"),
        ("/api/things?version=2", V2, "2", "/api/v2/things"),
        ("/api/v1/things?version=2", V2, "1", "/api/v1/things?version=2"),
    ],
)
async def test_the_version_is_found(
    gateway: GatewayProcess,
    upstream: RawUpstream,
    *,
    target: str,
    accept: str | None,
    version: str,
    forwarded: str,
):
    answer = await ask(gateway.port, "GET", target, {"accept": accept} if accept else {})
    assert (answer.status, answer["api-version"]) == (200, version)
    assert upstream.seen[0].target == forwarded


@pytest.mark.parametrize(
    ("target", "accept", "status", "code"),
    [
        ("/api/v9/things", None, 404, "version_not_found"),
        ("/api/v01/things", None, 404, "version_not_found"),
        ("/api/things?version=9", None, 400, "version_unknown"),
        ("/api/things?version=x", None, 400, "version_unknown"),
        ("/api/things?version=02", None, 400, "version_unknown"),
        (f"/api/things?version={'1' * 5000}", None, 400, "version_unknown"),
        ("/api/things", f"application/vnd.api+json;version={'1' * 5000}", 406, "version_not_acceptable"),
        ("/api/things?version=1&version=2", None, 400, "version_ambiguous"),
        ("/api/things", "application/vnd.api+json;version=9", 406, "version_not_acceptable"),
        ("/api/things?version=1", V2, 400, "version_ambiguous"),
    ],
)
async def test_a_version_that_is_not_there(
    gateway: GatewayProcess,
    upstream: RawUpstream,
    *,
    target: str,
    accept: str | None,
    status: int,
    code: str,
):
    answer = await ask(gateway.port, "GET", target, {"accept": accept} if accept else {})
    assert (answer.status, answer.code) == (status, code)
    assert upstream.seen == []


async def test_caches_are_told_when_accept_chose(gateway: GatewayProcess):
    assert "Accept" in (await ask(gateway.port, "GET", "/api/things", {"accept": V2})).all("vary")
    assert "Accept" not in (await ask(gateway.port, "GET", "/api/v2/things")).all("vary")


async def test_a_deprecated_version_says_so_and_is_counted_by_consumer(gateway: GatewayProcess, issuer: Issuer):
    user = {"authorization": f"Bearer {issuer.token('4711')}"}
    answer = await ask(gateway.port, "GET", "/api/v1/things/42", user)
    assert answer.status == 200
    assert answer["deprecation"] == "@1767225600"
    assert answer["sunset"] == "Sun, 01 Jan 2040 00:00:00 GMT"
    assert answer["link"] == '</api/v2/things/42>; rel="successor-version"'
    assert await gateway.metric("gateway_deprecated_requests_total", consumer="user:4711", version="1") == 1
    answer = await ask(gateway.port, "GET", "/api/v2/things/42")
    assert (answer.get("deprecation"), answer.get("sunset"), answer.get("link")) == (None, None, None)


async def test_a_deprecated_version_is_counted_by_api_key_too(
    gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    key = f"gh_314_{'k' * 43}"
    upstream.api_keys[key] = issuer.token("4712")
    answer = await ask(gateway.port, "GET", "/api/v1/things/42", {"x-api-key": key})
    assert (answer.status, answer["deprecation"]) == (200, "@1767225600")
    assert await gateway.metric("gateway_deprecated_requests_total", consumer="key:314", version="1") == 1
    # The key itself is nowhere in what anybody may read.
    assert "k" * 43 not in (await ask(gateway.port, "GET", "/metrics")).body.decode()


async def test_after_its_sunset_a_version_is_410(gateway: GatewayProcess, upstream: RawUpstream):
    answer = await ask(gateway.port, "GET", "/api/v1/gone/1")
    assert (answer.status, answer.code, answer["api-version"]) == (410, "version_gone", "1")
    assert answer["link"] == '</api/v2/gone/1>; rel="successor-version"'
    assert upstream.seen == []
    assert (await ask(gateway.port, "GET", "/api/v2/gone/1")).status == 200


async def test_unknown_paths_are_404_and_methods_405(gateway: GatewayProcess, upstream: RawUpstream):
    answer = await ask(gateway.port, "GET", "/api/v1/nothing?x=1")
    assert (answer.status, answer.code) == (404, "route_not_found")
    document = answer.json()
    assert document == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": document["detail"],
        "code": "route_not_found",
        "instance": "/api/v1/nothing",
        "trace_id": answer["traceresponse"].split("-")[1],
    }
    answer = await ask(gateway.port, "DELETE", "/api/v1/things")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer["allow"] == "GET, HEAD, OPTIONS, PATCH, POST"
    answer = await ask(gateway.port, "OPTIONS", "/api/v1/things/1")
    assert (answer.status, answer["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PUT")
    answer = await ask(gateway.port, "POST", "/health/live", body=b"")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert "GET" in answer["allow"]
    assert upstream.seen == []
