"""Trusted hosts, networks and CORS: what is refused before anything else, and what a browser is told.

TRAPS, forwarding 8: only a listed proxy says where a request comes from.
"""

import pytest
from gateway_testing.process import GatewayProcess
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask

APP = "https://app.example.com"


@pytest.mark.parametrize("host", ["evil.test", "example.com", "gateway.test.evil", "127.0.0.1", "xexample.com"])
async def test_a_host_that_is_not_trusted_is_misdirected(routing: GatewayProcess, upstream: RawUpstream, host: str):
    wire = await Wire.open(routing.port)
    await wire.send(f"GET /where HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    answer = await wire.answer()
    assert (answer.status, answer.code) == (421, "misdirected_request")
    # The gateway's own paths are asked by address: probes know no name.
    await wire.send(f"GET /health/live HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    assert (await wire.answer()).status == 200
    wire.close()
    assert upstream.seen == []


@pytest.mark.parametrize(
    ("path", "address", "status"),
    [
        ("/where", "203.0.113.7", 200),
        ("/where", "198.51.100.7", 403),
        ("/where", "::ffff:198.51.100.7", 403),
        ("/office", "203.0.113.7", 403),
        ("/office", "10.1.2.3", 200),
        ("/office", "10.1.9.3", 403),
        ("/office", "2001:db8:1::7", 200),
        ("/office", "2001:db9::7", 403),
        # What stands left of the real address is made up.
        ("/office", "10.1.2.3, 203.0.113.7", 403),
    ],
)
async def test_networks_by_the_real_address(
    routing: GatewayProcess, upstream: RawUpstream, *, path: str, address: str, status: int
):
    answer = await ask(routing.port, "GET", path, {"x-forwarded-for": address})
    assert answer.status == status
    if status == 403:
        assert answer.code == "address_not_allowed"
        assert upstream.seen == []


async def test_forwarding_8_a_header_of_an_unlisted_peer_opens_no_network(gateway: GatewayProcess):
    # That gateway lists no proxy and has no networks: the address in its log is the peer's.
    answer = await ask(gateway.port, "GET", "/api/things", {"x-forwarded-for": "10.1.2.3"})
    assert (await gateway.logged(request_id=answer["x-request-id"]))["client"] == "127.0.0.1"


def preflight(origin: str, method: str, headers: str = "content-type") -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": headers,
    }


async def test_a_preflight_is_answered_here_without_credentials(routing: GatewayProcess, upstream: RawUpstream):
    before = await routing.metric("gateway_preflights_total", route="/session", outcome="preflight")
    answer = await ask(routing.port, "OPTIONS", "/session", preflight(APP, "PUT"))
    assert await routing.metric("gateway_preflights_total", route="/session", outcome="preflight") == before + 1
    assert (answer.status, answer.body) == (204, b"")
    assert answer["access-control-allow-origin"] == APP
    assert answer["access-control-allow-credentials"] == "true"
    assert answer["access-control-allow-methods"] == "PUT"
    assert answer["access-control-allow-headers"] == "Content-Type, X-CSRF"
    assert answer["access-control-max-age"] == "300"
    assert "Origin" in ", ".join(answer.all("vary"))
    assert upstream.seen == []


@pytest.mark.parametrize(
    ("path", "origin", "method", "status"),
    [
        ("/session", "https://evil.test", "PUT", 403),
        ("/session", "null", "PUT", 403),
        ("/session", "https://app.example.com.evil.test", "PUT", 403),
        ("/session", "http://app.example.com", "PUT", 403),
        ("/session", APP, "DELETE", 405),
        ("/nothing", APP, "GET", 404),
    ],
)
async def test_a_preflight_that_gets_no_leave(
    routing: GatewayProcess, *, path: str, origin: str, method: str, status: int
):
    answer = await ask(routing.port, "OPTIONS", path, preflight(origin, method))
    assert answer.status == status
    assert answer.get("access-control-allow-methods") is None


async def test_errors_can_be_read_by_the_page_too(routing: GatewayProcess, issuer: Issuer):
    for path, status in (("/session", 401), ("/nothing", 404)):
        answer = await ask(routing.port, "GET", path, {"origin": APP})
        assert (answer.status, answer.all("access-control-allow-origin")) == (status, [APP])
        assert "Origin" in answer.all("vary")
    token = {"authorization": f"Bearer {issuer.token()}"}
    answer = await ask(routing.port, "GET", "/session", {**token, "origin": "https://admin.example.com:8443"})
    assert (answer.status, answer["access-control-expose-headers"]) == (200, "ETag")


async def test_caches_keep_the_answers_to_different_origins_apart(routing: GatewayProcess, issuer: Issuer):
    token = {"authorization": f"Bearer {issuer.token()}"}
    for origin in ({}, {"origin": "https://evil.test"}):
        answer = await ask(routing.port, "GET", "/session", {**token, **origin})
        assert (answer.status, answer.get("access-control-allow-origin")) == (200, None)
        assert "Origin" in answer.all("vary")


async def test_the_services_own_word_does_not_stand_beside_ours(routing: GatewayProcess, upstream: RawUpstream):
    async def open_to_all(call):  # noqa: ANN001
        await call.answer(200, b"x", ("access-control-allow-origin", "*"), ("access-control-allow-credentials", "true"))

    upstream.manner = open_to_all
    answer = await ask(routing.port, "GET", "/open", {"origin": "https://evil.test"})
    assert answer.all("access-control-allow-origin") == ["*"]
    assert answer.get("access-control-allow-credentials") is None
    answer = await ask(routing.port, "GET", "/closed", {"origin": APP})
    assert answer.get("access-control-allow-origin") is None


async def test_a_route_without_cors_leaves_a_preflight_to_its_service(routing: GatewayProcess, upstream: RawUpstream):
    answer = await ask(routing.port, "OPTIONS", "/closed", preflight(APP, "GET"))
    assert (answer.status, upstream.seen[0].method) == (200, "OPTIONS")


async def test_a_kept_answer_is_told_to_each_page_as_its_own(routing: GatewayProcess, upstream: RawUpstream):
    async def keep(call: Call) -> None:
        inner = ("x-inner", "1")
        public = ("cache-control", "public, max-age=60")
        body = (call.seen.get("x-site") or "plain").encode()
        await call.answer(200, body, public, inner, ("access-control-allow-origin", "*"))

    upstream.manner = keep
    for number, origin in enumerate((APP, "https://evil.test", APP)):
        answer = await ask(routing.port, "GET", "/kept", {"origin": origin})
        assert (answer.status, answer.body) == (200, b"plain")
        assert ("hit" in answer["cache-status"]) == (number > 0)
        assert answer.all("access-control-allow-origin") == ([APP] if origin == APP else [])
        assert (answer.all("x-served"), answer.get("x-inner")) == (["kept"], None)
        assert "Origin" in answer.all("vary")
    # The route that a header chose asked the same upstream for the same path, and got another answer.
    beta = await ask(routing.port, "GET", "/kept", {"x-beta": "1"})
    assert beta.body == b"beta"
    assert len(upstream.seen) == 2


async def test_a_host_longer_than_a_name_can_be_is_refused_before_it_is_looked_up(routing: GatewayProcess):
    """Each of its dots is a pattern: 32 kB of them held the loop for 50 ms, and were remembered."""
    for host, status in (("a." * 15_000 + "b", 400), ("a." * 127, 421)):
        wire = await Wire.open(routing.port)
        await wire.send(f"GET /where HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        assert (await wire.answer()).status == status
        wire.close()
