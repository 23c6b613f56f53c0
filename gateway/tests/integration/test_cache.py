"""The cache from outside: what is kept, for whom, how long, and what the service sees of it."""

import asyncio
import gzip
import time

import pytest
from gateway_testing.cacheable import FRESH, Says, eventually, hit, numbers, path
from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

ROUTE = "/api/kept/{id}"


async def test_a_fresh_answer_is_given_again_with_its_age(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says(FRESH, etag='"7"')
    target, began = path(), time.monotonic()
    before = [await caching.metric("gateway_cache_total", route=ROUTE, outcome=outcome) for outcome in ("miss", "hit")]
    first = await ask(caching.port, "GET", target)
    again = await ask(caching.port, "GET", target)
    counted = [await caching.metric("gateway_cache_total", route=ROUTE, outcome=outcome) for outcome in ("miss", "hit")]
    assert counted == [number + 1 for number in before]
    assert (first.status, first.body, first["cache-status"]) == (200, b"body 1", "gatehouse; fwd=miss; stored")
    assert (again.status, again.body) == (200, b"body 1")
    assert hit(again)
    assert 0 <= int(again["age"]) <= time.monotonic() - began + 1
    assert again["etag"] == '"7"'
    assert again["cache-control"] == "public, max-age=60"
    assert again["x-request-id"] != first["x-request-id"]
    assert again["api-version"] == "1"
    assert again["content-security-policy"] == first["content-security-policy"]
    assert len(again.all("date")) == len(again.all("content-length")) == 1
    assert says.count == 1


async def test_head_is_answered_from_a_get(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says(FRESH)
    target = path()
    await ask(caching.port, "GET", target)
    head = await ask(caching.port, "HEAD", target)
    assert (head.status, head["content-length"], head.body) == (200, "6", b"")
    assert hit(head)
    assert says.count == 1


# What the service says, and whether a second request reaches it (RFC 9111 sections 3 and 5.2.2).
KEPT = [
    ([("cache-control", "max-age=60")], 200, True),
    ([("cache-control", "s-maxage=60, max-age=0")], 200, True),
    ([("cache-control", "max-age=60, s-maxage=0")], 200, False),
    ([("cache-control", "MAX-AGE=60")], 200, True),
    ([("cache-control", 'max-age="60"')], 200, True),
    ([("cache-control", "max-age=60"), ("cache-control", "no-store")], 200, False),
    ([("cache-control", "max-age=60, max-age=0")], 200, True),
    ([("cache-control", "max-age=0, max-age=60")], 200, False),
    ([("cache-control", "max-age=x")], 200, False),
    ([("cache-control", "max-age=-1")], 200, False),
    ([("cache-control", 'foo="max-age=60"')], 200, False),
    ([("cache-control", "max-age=99999999999999999999")], 200, True),
    ([("cache-control", "private, max-age=60")], 200, False),
    ([("cache-control", 'private="x-me", max-age=60')], 200, False),
    ([("cache-control", "no-store, max-age=60")], 200, False),
    ([("cache-control", "no-store, must-understand, max-age=60")], 200, True),
    ([("cache-control", "no-cache, max-age=60")], 200, False),
    ([("expires", "Thu, 01 Jan 2099 00:00:00 GMT")], 200, True),
    ([("expires", "Thu, 01 Jan 1970 00:00:00 GMT")], 200, False),
    ([("expires", "0")], 200, False),
    ([("expires", "Thu, 01 Jan 2099 00:00:00 GMT"), ("cache-control", "max-age=0")], 200, False),
    ([("cache-control", "max-age=60"), ("age", "70")], 200, False),
    ([("cache-control", "max-age=60"), ("age", "10")], 200, True),
    ([("cache-control", "max-age=60"), ("set-cookie", "a=b")], 200, False),
    ([("cache-control", "max-age=60"), ("vary", "*")], 200, False),
    ([("cache-control", "max-age=60"), ("access-control-allow-origin", "https://a.test")], 200, False),
    ([("cache-control", "max-age=60"), ("access-control-allow-origin", "*")], 200, True),
    ([], 200, False),
    ([("last-modified", "Thu, 01 Jan 2015 00:00:00 GMT")], 200, False),
    ([], 404, False),
]
SECONDS = [("cache-control", "max-age=60")]
KEPT += [(SECONDS, status, True) for status in (203, 204, 300, 301, 302, 404, 405, 410, 414, 501)]
KEPT += [(SECONDS, status, False) for status in (206, 400, 401, 403, 413, 429, 431)]


@pytest.mark.parametrize(("headers", "status", "kept"), KEPT)
async def test_what_is_kept(
    caching: GatewayProcess, upstream: RawUpstream, headers: list[tuple[str, str]], status: int, *, kept: bool
):
    upstream.manner = says = Says(headers, status)
    target = path()
    first = await ask(caching.port, "GET", target)
    again = await ask(caching.port, "GET", target)
    assert (first.status, again.status) == (status, status)
    assert says.count == (1 if kept else 2)
    assert hit(again) is kept


async def test_heuristic_freshness_only_where_the_route_says_so(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says([("last-modified", "Thu, 01 Jan 2015 00:00:00 GMT")])
    target = path("firm")
    await ask(caching.port, "GET", target)
    assert hit(await ask(caching.port, "GET", target))
    assert says.count == 1


async def test_200_at_once_are_one_fetch(caching: GatewayProcess, upstream: RawUpstream):
    says = Says(FRESH, size=5000)
    go = asyncio.Event()

    async def held(call: Call) -> None:
        await go.wait()
        await says(call)

    upstream.manner = held
    target = path()
    wires = [await Wire.open(caching.port) for _ in range(200)]
    for wire in wires:
        await wire.send(request("GET", target))
    while await caching.metric("gateway_requests_in_flight") < 200:
        await asyncio.sleep(0.01)
    go.set()
    answers = await asyncio.gather(*(wire.answer() for wire in wires))
    for wire in wires:
        wire.close()
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert len({answer["x-request-id"] for answer in answers}) == 200
    assert says.count == 1
    assert sum("collapsed" in answer["cache-status"] for answer in answers) == 199


async def test_a_change_through_the_gateway_is_seen_at_once_in_all_versions(
    caching: GatewayProcess, upstream: RawUpstream
):
    upstream.manner = says = Says(FRESH)
    number = next(numbers)
    targets = [f"/api/v1/kept/{number}", f"/api/v2/kept/{number}", f"/api/v1/kept/{number}?a=b"]
    for method, target in (("PATCH", targets[0]), ("DELETE", targets[1]), ("POST", f"{targets[0]}/notes")):
        for kept in targets:
            await ask(caching.port, "GET", kept)
            assert hit(await ask(caching.port, "GET", kept))
        before, changes = says.count, await caching.metric("gateway_cache_invalidations_total")
        assert (await ask(caching.port, method, target, body=b"{}")).status == 204
        assert await caching.metric("gateway_cache_invalidations_total") > changes
        for kept in targets:
            assert not hit(await ask(caching.port, "GET", kept))
        assert says.count == before + 3


async def test_compressed_once_and_tagged_as_when_it_streams(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says(FRESH, size=3000, etag='"7"')
    target = path()
    coded = {"accept-encoding": "gzip"}
    streamed = await ask(caching.port, "GET", target, coded)
    kept = await ask(caching.port, "GET", target, coded)
    plain = await ask(caching.port, "GET", target)
    assert hit(kept)
    assert hit(plain)
    assert gzip.decompress(kept.body) == gzip.decompress(streamed.body) == plain.body
    assert streamed["etag"] == kept["etag"] == '"7-gzip"'
    assert plain["etag"] == '"7"'
    for answer in (kept, plain):
        assert "accept-encoding" in answer["vary"].lower()
        assert int(answer["content-length"]) == len(answer.body)
    for tag in ('"7-gzip"', '"7"', 'W/"7"', '"x", "7-br"', "*"):
        unchanged = await ask(caching.port, "GET", target, {**coded, "if-none-match": tag})
        assert (unchanged.status, unchanged.body) == (304, b""), tag
        assert hit(unchanged)
        assert unchanged["etag"].startswith('"7')
        assert "accept-encoding" in unchanged["vary"].lower()
    changed = await ask(caching.port, "GET", target, {**coded, "if-none-match": '"8"'})
    assert changed.status == 200
    assert says.count == 1


async def test_stale_while_revalidate_answers_at_once_and_refreshes_behind(
    caching: GatewayProcess, upstream: RawUpstream
):
    upstream.manner = says = Says([("cache-control", "max-age=60"), ("age", "61")], etag='"1"')
    target = path("lenient")
    await ask(caching.port, "GET", target)
    says.headers = [("cache-control", "max-age=60")]
    stale = await ask(caching.port, "GET", target)
    assert stale.body == b"body 1"
    assert int(stale["cache-status"].removeprefix("gatehouse; hit; ttl=")) < 0

    async def fresh() -> bool:
        return int(str((await ask(caching.port, "GET", target)).get("age"))) < 30

    await eventually(fresh)
    assert says.conditional == [None, '"1"']
    assert (await ask(caching.port, "GET", target)).body == b"body 1"


async def test_a_stale_answer_is_validated_and_holds_again(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says([("cache-control", "max-age=60"), ("age", "61")], etag='"1"')
    target = path()
    await ask(caching.port, "GET", target)
    says.headers = [("cache-control", "max-age=60"), ("x-new", "1")]
    held = await ask(caching.port, "GET", target, {"if-none-match": '"0"'})
    assert (held.status, held.body, held["x-new"]) == (200, b"body 1", "1")
    assert held["cache-status"] == "gatehouse; fwd=stale; fwd-status=304; stored"
    assert says.conditional == [None, '"1"']
    assert hit(await ask(caching.port, "GET", target))


async def test_a_304_with_another_tag_confirms_what_was_asked_about(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = Says([("cache-control", "max-age=60"), ("age", "61")], etag='"1-gzip"')
    target = path()
    await ask(caching.port, "GET", target)

    async def apache(call: Call) -> None:
        await call.answer(304, b"", ("etag", '"1"'), ("cache-control", "max-age=60"))

    upstream.manner = apache
    held = await ask(caching.port, "GET", target)
    assert (held.status, held.body, held["etag"]) == (200, b"body 1", '"1-gzip"')
    assert hit(await ask(caching.port, "GET", target))


async def test_a_stale_answer_is_given_when_the_service_fails(caching: GatewayProcess, upstream: RawUpstream):
    stale = [("cache-control", "max-age=1, stale-while-revalidate=0"), ("age", "2")]
    upstream.manner = says = Says(stale)
    targets = [path("lenient"), path("lenient"), path("hasty")]
    for target in targets:

        async def is_kept(target: str = target) -> bool:
            return (await ask(caching.port, "GET", target)).status == 200

        await eventually(is_kept)

    async def breaks(call: Call) -> None:
        call.writer.close()

    async def stalls(call: Call) -> None:
        await call.hung_up()

    says.status, says.headers = 503, []
    for target, manner, status in zip(targets, (says, breaks, stalls), (b"; fwd-status=503", b"", b""), strict=True):
        upstream.manner = manner
        answer = await ask(caching.port, "GET", target)
        assert answer.status == 200
        assert answer.body.startswith(b"body")
        assert answer["cache-status"] == f"gatehouse; fwd=stale{status.decode()}"
    # Where nobody allows it the failure is told.
    upstream.manner = says
    strict = path()
    says.status, says.headers = 200, stale
    await ask(caching.port, "GET", strict)
    says.status, says.headers = 503, []
    assert (await ask(caching.port, "GET", strict)).status == 503
