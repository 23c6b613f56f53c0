"""Routing by host, header and query; paths and headers rewritten; redirects; the gateway alone before any service.

TRAPS, forwarding 3: a catch-all takes no path that can be read in two ways.
"""

import asyncio
import re
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, free_port
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    ("target", "headers", "route"),
    [
        ("/where", {}, "anywhere"),
        ("/where", {"x-beta": "1"}, "beta"),
        ("/where", {"x-beta": "2"}, "anywhere"),
        ("/where?preview=1", {}, "preview"),
    ],
)
async def test_conditions_choose_the_route(
    routing: GatewayProcess,
    upstream: RawUpstream,
    other: RawUpstream,
    *,
    target: str,
    headers: dict[str, str],
    route: str,
):
    answer = await ask(routing.port, "GET", target, headers)
    assert answer.status == 200
    assert len(upstream.seen if route == "anywhere" else other.seen) == 1
    # Caches behind must know that the header decided, also on the answers of who did not send it.
    assert "x-beta" in answer.all("vary")
    assert (await routing.logged(request_id=answer["x-request-id"]))["route"] == route


async def test_the_host_chooses_the_route(routing: GatewayProcess, other: RawUpstream):
    wire = await Wire.open(routing.port)
    await wire.send(b"GET /where HTTP/1.1\r\nhost: API.example.com:8000\r\n\r\n")
    answer = await wire.answer()
    wire.close()
    assert (answer.status, len(other.seen)) == (200, 1)
    assert await routing.metric("gateway_requests_total", route="hosted", status="200") == 1


@pytest.mark.parametrize(
    ("method", "target"),
    [("PROPFIND", "/files/a/b/"), ("OPTIONS", "/files/a"), ("DELETE", "/files/"), ("GET", "/files/a%20b?x=%2F")],
)
async def test_a_catch_all_takes_any_method_and_the_rest_as_it_is(
    routing: GatewayProcess, upstream: RawUpstream, method: str, target: str
):
    assert (await ask(routing.port, method, target)).status == 200
    assert (upstream.seen[0].method, upstream.seen[0].target) == (method, target)


@pytest.mark.parametrize("target", ["/files/../where", "/files//a", "/files/a%2fb", "/files/a;b", "/where/"])
async def test_forwarding_3_a_catch_all_is_no_way_around_the_one_reading_of_a_path(
    routing: GatewayProcess, upstream: RawUpstream, target: str
):
    answer = await ask(routing.port, "GET", target)
    assert (answer.status, answer.code) == (400, "bad_path")
    assert upstream.seen == []


async def test_path_and_headers_are_rewritten(routing: GatewayProcess, upstream: RawUpstream):
    sent = {"x-debug": "1", "user-agent": "curl", "x-site": "us", "x-forwarded-prefix": "/evil"}
    answer = await ask(routing.port, "GET", "/shop/items/7?a=1", sent)
    seen = upstream.seen[0]
    assert seen.target == "/v3/items/7?a=1"
    assert (seen.all("x-site"), seen.all("user-agent"), seen.get("x-debug")) == (["eu"], ["gatehouse"], None)
    assert seen.all("x-forwarded-prefix") == ["/shop"]
    assert (answer.all("x-served"), answer.all("cache-control"), answer.get("etag")) == (["shop"], ["no-store"], None)
    await ask(routing.port, "GET", "/shop/")
    await ask(routing.port, "GET", "/swap/1/2")
    assert [seen.target for seen in upstream.seen[1:]] == ["/v3/", "/2/x-1"]


async def test_a_change_puts_a_kept_answer_of_a_rewritten_path_out_of_date(
    routing: GatewayProcess, upstream: RawUpstream
):
    async def keep(call: Call) -> None:
        await call.read_body()
        await call.answer(200, b"x", ("cache-control", "public, max-age=60"))

    upstream.manner = keep
    for method in ("GET", "GET", "PUT", "GET"):
        body = b"x" if method == "PUT" else None
        assert (await ask(routing.port, method, "/kept/items/7", body=body)).status == 200
    assert [(seen.method, seen.target) for seen in upstream.seen] == [
        ("GET", "/items/7"),
        ("PUT", "/items/7"),
        ("GET", "/items/7"),
    ]


async def test_credentials_that_a_route_removes_do_not_pass_in_another_form(
    routing: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    token = issuer.token()
    upstream.api_keys["key-of-a-program"] = token
    for sent in ({"authorization": f"Bearer {token}"}, {"x-api-key": "key-of-a-program"}):
        assert (await ask(routing.port, "GET", "/anonymous", sent)).status == 200
    assert len(upstream.seen) == 2
    assert all(token.encode() not in seen.raw_head for seen in upstream.seen)


@pytest.mark.parametrize(
    ("method", "target", "status", "location"),
    [
        ("GET", "/old/a/b?x=1", 308, "https://new.example.com/a/b?x=1"),
        ("POST", "/old/", 308, "https://new.example.com/"),
        ("GET", "/old/evil.com", 308, "https://new.example.com/evil.com"),
        ("GET", "/moved/7?x=1", 302, "/where/7"),
    ],
)
async def test_redirects_lead_only_where_the_file_says(  # noqa: PLR0917 - a table's columns
    routing: GatewayProcess, upstream: RawUpstream, method: str, target: str, status: int, location: str
):
    wire = await Wire.open(routing.port)
    for _ in range(2):
        # The connection lives on: an answer without a body is framed as such.
        await wire.send(f"{method} {target} HTTP/1.1\r\nhost: gateway.test\r\n\r\n".encode())
        answer = await wire.answer()
        assert (answer.status, answer["location"], answer.body) == (status, location, b"")
    wire.close()
    assert upstream.seen == []


@pytest.mark.parametrize("target", ["/old//evil.com", "/old/%2f%2fevil.com", "/old/%5cevil.com"])
async def test_no_open_redirect(routing: GatewayProcess, target: str):
    assert (await ask(routing.port, "GET", target)).status == 400


@pytest.fixture
async def alone(tmp_path: Path, upstream: RawUpstream) -> GatewayProcess:
    """The README's example, with no issuer of tokens and no Redis anywhere."""
    example = re.search(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    assert example is not None
    file = tmp_path / "routes.toml"
    file.write_text(example[1].replace("http://127.0.0.1:3000", f"http://127.0.0.1:{upstream.port}"))
    assert len(example[1].splitlines()) <= 10
    nowhere = free_port()
    return GatewayProcess(
        upstream.port, nowhere, GATEWAY_ROUTES=str(file), JWKS_URL=f"http://127.0.0.1:{nowhere}/jwks.json"
    )


async def test_the_gateway_alone_in_front_of_any_http_service(alone: GatewayProcess, upstream: RawUpstream):
    await asyncio.to_thread(alone.start)
    try:
        await alone.ready(redis=False)
        targets = ["/", "/docs", "/api/v9/things?version=3", "/index.php/", "/a/b/c"]
        for target in targets:
            answer = await ask(alone.port, "GET", target, {"authorization": "Basic Zm9v"})
            assert answer.status == 200, target
        asked = [(seen.target, seen.get("authorization")) for seen in upstream.seen]
        # The first is our readiness, which asks for the service.
        assert asked[1:] == [(target, "Basic Zm9v") for target in targets]
        assert (await ask(alone.port, "POST", "/a", body=b"x")).status == 200
    finally:
        await asyncio.to_thread(alone.stop)
