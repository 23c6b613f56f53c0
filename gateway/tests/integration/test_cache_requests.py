"""What a request may ask of the cache, and for whom an answer is kept."""

import pytest
from gateway_testing.cacheable import FRESH, Says, hit, path
from gateway_testing.process import GatewayProcess
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

OLD = [("cache-control", "max-age=60"), ("age", "30")]


# Cache-Control of a request for an answer that is 30 of 60 seconds old, and whether the service is asked again.
ASKED = [
    ("cache-control", "no-cache", 2),
    ("cache-control", "no-store", 1),
    ("cache-control", "max-age=0", 2),
    ("cache-control", "max-age=10", 2),
    ("cache-control", "max-age=50", 1),
    ("cache-control", "min-fresh=10", 1),
    ("cache-control", "min-fresh=50", 2),
    ("cache-control", "max-stale=10", 1),
    ("cache-control", "only-if-cached", 1),
    ("pragma", "no-cache", 2),
    ("if-match", '"7"', 2),
]


@pytest.mark.parametrize(("name", "value", "count"), ASKED)
async def test_directives_of_a_request(
    caching: GatewayProcess, upstream: RawUpstream, name: str, value: str, count: int
):
    upstream.manner = says = Says(OLD)
    target = path()
    await ask(caching.port, "GET", target)
    answer = await ask(caching.port, "GET", target, {name: value})
    assert answer.status == 200
    assert says.count == count
    # A route may say that clients have no say.
    target = path("firm")
    await ask(caching.port, "GET", target)
    await ask(caching.port, "GET", target, {name: value})
    assert says.count == count + (2 if name == "if-match" else 1)


async def test_a_stale_answer_for_who_takes_one(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says([("cache-control", "max-age=60"), ("age", "65")], etag='"1"')
    target = path()
    await ask(caching.port, "GET", target)
    for asked, count in (("max-stale=60", 1), ("max-stale", 1), ("max-stale=1", 2)):
        await ask(caching.port, "GET", target, {"cache-control": asked})
        assert says.count == count
    upstream.manner = says = Says([("cache-control", "max-age=60, must-revalidate"), ("age", "65")], etag='"1"')
    target = path()
    await ask(caching.port, "GET", target)
    await ask(caching.port, "GET", target, {"cache-control": "max-stale=60"})
    assert says.count == 2


async def test_only_if_cached_and_nothing_is(caching: GatewayProcess, upstream: RawUpstream):
    answer = await ask(caching.port, "GET", path(), {"cache-control": "only-if-cached"})
    assert (answer.status, answer.code) == (504, "not_cached")
    assert not upstream.seen


async def test_a_condition_does_not_keep_the_whole_from_being_kept(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says(FRESH, etag='"7"')
    target = path()
    first = await ask(caching.port, "GET", target, {"if-none-match": '"7"'})
    assert (first.status, first.body, first["etag"]) == (304, b"", '"7"')
    assert says.conditional == [None]
    again = await ask(caching.port, "GET", target)
    assert (again.status, again.body) == (200, b"body 1")
    assert hit(again)
    # The same head once more, passed as it is and then to be kept, on one connection.
    wire = await Wire.open(caching.port)
    says.headers = [("cache-control", "max-age=0")]
    target = path()
    for _ in range(3):
        await wire.send(request("GET", target, {"if-none-match": '"6"'}))
        assert (await wire.answer()).status == 200
    wire.close()
    assert says.conditional == [None, None, '"7"', '"7"']
    modified = path()
    says.headers = [*FRESH, ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")]
    await ask(caching.port, "GET", modified)
    for since, status in (
        ("Thu, 01 Jan 2026 00:00:00 GMT", 304),
        ("Wed, 31 Dec 2025 23:59:59 GMT", 200),
        ("never", 200),
    ):
        answer = await ask(caching.port, "GET", modified, {"if-modified-since": since})
        assert (answer.status, hit(answer)) == (status, True)


async def test_ranges_of_a_whole_answer(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says(FRESH, etag='"7"', size=1000)
    target = path()
    passed = await ask(caching.port, "GET", target, {"range": "bytes=0-1"})
    assert (passed.status, hit(passed)) == (200, False)
    whole = await ask(caching.port, "GET", target)
    assert not hit(whole)
    for asked, status, given in (
        ("bytes=0-3", 206, "bytes 0-3/1000"),
        ("bytes=990-", 206, "bytes 990-999/1000"),
        ("bytes=-1", 206, "bytes 999-999/1000"),
        ("bytes=990-5000", 206, "bytes 990-999/1000"),
        ("bytes=1000-", 416, "bytes */1000"),
        ("bytes=-0", 416, "bytes */1000"),
        ("bytes=5-4", 200, None),
        ("bytes=0-1,5-6", 200, None),
        ("lines=0-1", 200, None),
        ("bytes=-", 200, None),
    ):
        answer = await ask(caching.port, "GET", target, {"range": asked, "accept-encoding": "gzip"})
        assert (answer.status, answer.get("content-range")) == (status, given), asked
        assert hit(answer)
        if status == 206:
            start, end = (int(number) for number in str(given).split()[1].split("/")[0].split("-"))
            assert answer.body == whole.body[start : end + 1]
            assert answer["content-length"] == str(end + 1 - start)
    for condition, status in (('"7"', 206), ('"6"', 200), ('W/"7"', 200)):
        answer = await ask(caching.port, "GET", target, {"range": "bytes=0-3", "if-range": condition})
        assert (answer.status, hit(answer)) == (status, True)
    assert says.count == 2


async def test_head_tells_that_what_is_kept_no_longer_holds(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says(FRESH, etag='"7"')
    target = path()
    await ask(caching.port, "GET", target)
    newest = {"cache-control": "no-cache"}
    await ask(caching.port, "HEAD", target, newest)
    says.etag = '"8"'
    assert hit(await ask(caching.port, "GET", target))
    await ask(caching.port, "HEAD", target, newest)
    assert not hit(await ask(caching.port, "GET", target))


async def test_an_answer_to_credentials_is_theirs_unless_it_says_otherwise(
    caching: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    one = {"authorization": f"Bearer {issuer.token('one')}"}
    other = {"authorization": f"Bearer {issuer.token('other')}"}
    for said, shared in (
        ("max-age=60", False),
        ("max-age=60, proxy-revalidate", False),
        ("public, max-age=60", True),
        ("s-maxage=60", True),
        ("max-age=60, must-revalidate", True),
    ):
        for mine in (one, {"cookie": "a=b"}):
            upstream.manner = Says([("cache-control", said)])
            target = path()
            await ask(caching.port, "GET", target, mine)
            for them in (other, {}, {"cookie": "c=d"}):
                assert hit(await ask(caching.port, "GET", target, them)) is shared, (said, them)
                if not shared and them == {}:
                    # Kept now, for nobody in particular; not for who has credentials.
                    assert hit(await ask(caching.port, "GET", target))


async def test_who_may_not_ask_gets_nothing_that_is_kept(
    caching: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    upstream.manner = Says(FRESH)
    target = path("private")
    known = {"authorization": f"Bearer {issuer.token('one')}"}
    assert (await ask(caching.port, "GET", target, known)).status == 200
    assert hit(await ask(caching.port, "GET", target, known))
    assert (await ask(caching.port, "GET", target)).status == 401
    assert (await ask(caching.port, "GET", target, {"authorization": "Bearer x"})).status == 401


async def test_vary_is_a_second_key(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says([*FRESH, ("vary", "Accept-Language"), ("vary", "x-colour")])
    target = path()
    for number, headers in enumerate(
        ({"accept-language": "en, de"}, {"accept-language": "de"}, {}, {"accept-language": "de", "x-colour": "red"}), 1
    ):
        first = await ask(caching.port, "GET", target, headers)
        assert first["cache-status"] == f"gatehouse; fwd={'vary-miss' if number > 1 else 'miss'}; stored"
        again = await ask(caching.port, "GET", target, headers)
        assert (hit(again), again.body) == (True, b"body %d" % number)
    assert (await ask(caching.port, "GET", target, {"accept-language": "de,EN"})).body == b"body 1"
    assert says.count == 4


async def test_versions_do_not_mix(caching: GatewayProcess, upstream: RawUpstream):
    async def named(call: Call) -> None:
        await call.answer(200, call.seen.target.encode(), *FRESH)

    upstream.manner = named
    number = path().rsplit("/", 1)[1]
    json = {"accept": "application/vnd.api+json;version=2"}
    second = await ask(caching.port, "GET", f"/api/kept/{number}", json)
    assert second.body == f"/api/v2/kept/{number}".encode()
    for target, headers, version in (
        (f"/api/kept/{number}", {}, 1),
        (f"/api/kept/{number}", json, 2),
        (f"/api/kept/{number}?version=2", {}, 2),
        (f"/api/v1/kept/{number}", {}, 1),
    ):
        answer = await ask(caching.port, "GET", target, headers)
        assert answer.body == f"/api/v{version}/kept/{number}".encode()
        assert answer["api-version"] == str(version)
    again = await ask(caching.port, "GET", f"/api/kept/{number}", json)
    assert hit(again)
    assert "accept" in again["vary"].lower()
    plain = await ask(caching.port, "GET", f"/api/v2/kept/{number}")
    assert plain.get("vary") is None


async def test_pipelined_requests_are_answered_in_order(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = Says(FRESH)
    kept, other = path(), path("plain")
    await ask(caching.port, "GET", kept)
    wire = await Wire.open(caching.port)
    await wire.send(request("GET", other) + request("GET", kept) * 3 + request("GET", other))
    bodies = [(await wire.answer()).body for _ in range(5)]
    wire.close()
    assert bodies == [b"body 2", b"body 1", b"body 1", b"body 1", b"body 3"]
