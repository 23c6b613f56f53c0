"""The cache against what is in no key: headers named hop-by-hop, exchanged credentials, 304s; backtracking."""

import asyncio
from pathlib import Path

import psutil
import pytest
from gateway_testing.cacheable import FRESH, Says, hit, path
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

_SPACES = " " * 20_000


async def _told(call: Call) -> None:
    """What the service saw of the headers it varies by."""
    seen = call.seen
    said = [seen.get(name) or "none" for name in ("accept-language", "authorization", "x-site", "x-forwarded-for")]
    await call.answer(200, " ".join(said).encode(), *FRESH, ("vary", "Accept-Language, Authorization"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cache-control", f"max-age=60, a{_SPACES}b"),
        ("cache-control", f"max-age{_SPACES}={_SPACES[:9000]}x y"),
        ("range", f"bytes={_SPACES}x"),
        ("range", f"bytes{_SPACES[:9000]}={_SPACES[:9000]}-{_SPACES[:9000]}x"),
    ],
)
async def test_no_header_of_a_client_stops_the_loop_for_all(
    caching: GatewayProcess, upstream: RawUpstream, name: str, value: str
):
    upstream.manner = Says(FRESH)
    target = path()
    await ask(caching.port, "GET", target)
    process = psutil.Process(caching.pid)
    before = process.cpu_times().user
    assert (await ask(caching.port, "GET", target, {name: value})).status == 200
    assert process.cpu_times().user - before < 0.3


async def test_what_connection_names_does_not_reach_the_service_and_fills_no_variant(
    caching: GatewayProcess, upstream: RawUpstream
):
    upstream.manner = _told
    target = path()
    evil = {"accept-language": "de", "connection": "keep-alive, Accept-Language"}
    assert (await ask(caching.port, "GET", target, evil)).body.split()[0] == b"none"
    for _ in range(2):
        answer = await ask(caching.port, "GET", target, {"accept-language": "de", "connection": "keep-alive, TE"})
        assert answer.body.split()[0] == b"de"
    assert hit(answer)


async def test_an_answer_that_varies_by_authorization_is_not_given_to_who_has_another_api_key(
    caching: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    keys = ["gh_1_" + word.ljust(43, "x") for word in ("one", "two")]
    for number, key in enumerate(keys):
        upstream.api_keys[key] = issuer.token(sub=f"owner{number}")
    upstream.manner = _told
    target = path()
    bodies = [(await ask(caching.port, "GET", target, {"x-api-key": key})).body for key in keys]
    bodies.append((await ask(caching.port, "GET", target)).body)
    assert len(set(bodies)) == 3


async def test_an_answer_that_varies_by_what_the_gateway_states_is_not_kept(
    caching: GatewayProcess, upstream: RawUpstream
):
    upstream.manner = says = Says([*FRESH, ("vary", "X-Forwarded-For")])
    target = path()
    for _ in range(2):
        assert not hit(await ask(caching.port, "GET", target))
    assert says.count == 2


async def test_routes_that_tell_the_service_different_things_share_no_answer(
    caching: GatewayProcess, upstream: RawUpstream
):
    upstream.manner = _told
    number = path().rpartition("/")[2]
    for site in ("north", "south", "north", "south"):
        assert (await ask(caching.port, "GET", f"/api/v1/{site}/{number}")).body.split()[2] == site.encode()


@pytest.mark.parametrize(
    "said",
    [
        ("set-cookie", "session=another"),
        ("cache-control", "private, max-age=60"),
        ("cache-control", "no-store"),
        ("access-control-allow-origin", "https://one.test"),
        ("vary", "*"),
    ],
)
async def test_a_304_that_may_not_be_kept_is_not(caching: GatewayProcess, upstream: RawUpstream, said: tuple[str, str]):
    stale = [("cache-control", "max-age=60"), ("age", "61")]
    upstream.manner = says = Says(stale, etag='"1"')
    target = path()
    await ask(caching.port, "GET", target)
    says.headers = [said, *([] if said[0] == "cache-control" else [("cache-control", "max-age=60")])]
    first = await ask(caching.port, "GET", target)
    assert (first.status, first.body) == (200, b"body 1")
    second = await ask(caching.port, "GET", target)
    assert not hit(second)
    assert says.count == 3


async def test_a_failure_that_a_header_can_provoke_is_nobody_elses_answer(
    caching: GatewayProcess, upstream: RawUpstream
):
    async def breaks(call: Call) -> None:
        await call.answer(500 if call.seen.get("x-break") else 200, b"x", *FRESH)

    upstream.manner = breaks
    target = path()
    assert (await ask(caching.port, "GET", target, {"x-break": "1"})).status == 500
    assert (await ask(caching.port, "GET", target)).status == 200


async def test_a_client_that_waits_for_its_own_share_fails_for_itself_alone(upstream: RawUpstream, valkey: Valkey):
    """Who leads a fetch may have used up its share of the service; who waits with it has not."""
    gateway = GatewayProcess(
        upstream.port,
        valkey.port,
        GATEWAY_ROUTES=str(Path(__file__).parent / "cache_routes.toml"),
        TRUSTED_PROXIES="127.0.0.1/32",
        CLIENT_SHARE="0.001",
    )
    await asyncio.to_thread(gateway.start)
    await gateway.ready()
    go, says = asyncio.Event(), Says(FRESH)

    async def slow(call: Call) -> None:
        if "/plain/" in call.seen.target:
            await go.wait()
        await says(call)

    upstream.manner = slow
    target = path("brief")
    wires = [await Wire.open(gateway.port) for _ in range(3)]
    asked = (("9.9.9.1", path("plain")), ("9.9.9.1", target), ("9.9.9.2", target))
    second = asyncio.create_task(wires[1].answer())
    for wire, (client, what), many in zip(wires, asked, (1, 2, 0), strict=True):
        await wire.send(request("GET", what, {"x-forwarded-for": client}))
        # The second gives up after a while, on a slow machine before we look.
        while await gateway.metric("gateway_requests_in_flight") < many and not second.done():
            await asyncio.sleep(0.01)
    assert [(await second).status, (await wires[2].answer()).status] == [503, 200]
    go.set()
    for wire in wires:
        wire.close()
    await asyncio.to_thread(gateway.stop)
