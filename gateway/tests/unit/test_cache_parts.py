"""The parts of the cache that need no network: directives, times, room, purge."""

import random

import pytest

from gateway.cache.directives import Directives, directives, http_date
from gateway.cache.encoded import decode, encode
from gateway.cache.entry import Entry, Key
from gateway.cache.freshness import Freshness, Headers, freshness, lifetime
from gateway.cache.memory import Memory
from gateway.cache.shared_cache import SharedCache
from gateway.cache.varying import vary_key
from gateway.data.request_head import RequestHead
from gateway.routes.model import CacheModel, CacheStore

NOW = 1_800_000_000.0
DATE = (b"date", b"Fri, 15 Jan 2027 08:00:00 GMT")


def keyed(path: bytes) -> Key:
    return ("main", b"http", b"a.test", b"", path, b"")


def entry(name: str, size: int = 0, **times: float) -> Entry:
    """Named by its path."""
    told = {"born": NOW, "fresh_until": NOW + 60, "stale_until": 0.0, "error_until": 0.0, **times}
    path = name.encode()
    return Entry(keyed(path), path, 200, [DATE], b"x" * size, (), Freshness(**told, no_cache=False, shared=True), NOW)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", Directives()),
        (b"max-age=5", Directives(max_age=5)),
        (b'MAX-Age="5" , No-Store', Directives(max_age=5, no_store=True)),
        (b"max-age=5, max-age=9", Directives(max_age=5)),
        (b"max-age", Directives(max_age=0)),
        (b"max-age=", Directives(max_age=0)),
        (b"max-age=5.5", Directives(max_age=0)),
        (b"max-stale", Directives(max_stale=2**31)),
        (b'x="no-store, max-age=9", public', Directives(public=True)),
        (b'x="a\\"b, no-store", public', Directives(public=True)),
        (b"no-cache=x-me", Directives(no_cache=True)),
        (b'private="x-me"', Directives(private=True)),
        (b";;no, public", Directives(public=True)),
        (b'x="open, public', Directives(public=True)),
        (b",,public,,", Directives(public=True)),
        (b"max-age=" + b"9" * 400, Directives(max_age=2**31)),
    ],
)
def test_directives(value: bytes, expected: Directives):
    assert directives(value) == expected


def test_a_long_value_costs_no_more_than_its_length():
    assert directives(b'a="' + b"\\a" * 16_000) == Directives()
    assert directives(b" ," * 16_000 + b"public") == Directives(public=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"Fri, 15 Jan 2027 08:00:00 GMT", NOW),
        (b"Friday, 15-Jan-27 08:00:00 GMT", NOW),
        (b"Fri Jan 15 08:00:00 2027", NOW),
        (b"0", None),
        (b"-1", None),
        (b"", None),
        (b"never", None),
        (b"Fri, 99 Jan 2027 08:00:00 GMT", None),
        (b"x" * 5000, None),
    ],
)
def test_dates(value: bytes, seconds: float | None):
    assert http_date(value) == seconds


@pytest.mark.parametrize(
    ("headers", "asked", "age", "fresh"),
    [
        ([DATE, (b"cache-control", b"max-age=60")], NOW, 0, 60),
        # The way of the answer counts as age (RFC 9111 section 4.2.3).
        ([DATE, (b"cache-control", b"max-age=60"), (b"age", b"10")], NOW - 3, 13, 47),
        # A date of long ago is an age, also where no Age is told.
        ([(b"date", b"Fri, 15 Jan 2027 07:59:30 GMT"), (b"cache-control", b"max-age=60")], NOW, 30, 30),
        # A clock that is ahead makes nothing younger.
        ([(b"date", b"Fri, 15 Jan 2027 08:05:00 GMT"), (b"cache-control", b"max-age=60")], NOW, 0, 60),
        ([DATE, (b"expires", b"Fri, 15 Jan 2027 08:00:20 GMT")], NOW, 0, 20),
        ([DATE, (b"last-modified", b"Fri, 15 Jan 2027 07:58:20 GMT")], NOW, 0, 10),
        ([DATE, (b"last-modified", b"Fri, 15 Jan 2010 07:58:20 GMT")], NOW, 0, 86400),
        ([DATE, (b"cache-control", b"max-age=60"), (b"age", b"x")], NOW, 0, 60),
    ],
)
def test_age_and_freshness(headers: Headers, asked: float, age: float, fresh: float):
    seconds = lifetime(200, headers, NOW, heuristic=True)
    times = freshness(headers, seconds, asked, NOW, CacheModel())
    assert NOW - times.born == age
    assert times.fresh_until - NOW == fresh


@pytest.mark.parametrize(
    ("said", "revalidate", "error"),
    [
        (b"max-age=60", 30, 90),
        (b"max-age=60, stale-while-revalidate=5, stale-if-error=7", 5, 7),
        (b"max-age=60, must-revalidate, stale-if-error=7", 0, 0),
        (b"max-age=60, proxy-revalidate", 0, 0),
        (b"no-cache", 0, 0),
        (b"s-maxage=60", 0, 0),
        (b"s-maxage=60, stale-if-error=7", 0, 7),
    ],
)
def test_stale_use(said: bytes, revalidate: float, error: float):
    headers = [DATE, (b"cache-control", said)]
    policy = CacheModel(stale_while_revalidate=30, stale_if_error=90)
    times = freshness(headers, lifetime(200, headers, NOW, heuristic=False), NOW, NOW, policy)
    assert (times.stale_until - times.fresh_until, times.error_until - times.fresh_until) == (revalidate, error)


def test_memory_keeps_within_its_bytes_and_what_is_used():
    memory = Memory(100_000)
    chosen = random.Random(7)  # noqa: S311 - a reproducible test
    hot = [entry(f"/hot/{number}", 100) for number in range(10)]
    for kept in hot:
        memory.put(kept)
    for number in range(3000):
        for kept in hot:
            kept.hit = True
        memory.put(entry(f"/cold/{number}", chosen.randrange(3000)))
        assert memory.used <= memory.limit
        assert memory.used == sum(kept.size for entries in memory.entries.values() for kept in entries)
    assert all(memory.holds(kept) for kept in hot)
    assert memory.evicted > 2500
    for path in [kept.path for entries in list(memory.entries.values()) for kept in entries]:
        assert memory.drop_path(path) == 1
    assert (memory.used, len(memory)) == (0, 0)
    assert memory.put(entry("/large", 90_000)) is False


def test_an_entry_survives_its_way_through_redis():
    kept = entry("/a", 10)
    kept.headers.append((b"x-name", "Zoë".encode("latin-1")))
    found = decode(kept.key, kept.path, encode(kept))
    assert found is not None
    for name in ("status", "headers", "body", "vary", "asked", "born", "fresh_until", "shared", "no_cache"):
        assert getattr(found, name) == getattr(kept, name), name
    for broken in (b"", b"{}\n", b"x\ny", b'{"form":0}\n', b'{"form":1}\n'):
        assert decode(kept.key, b"", broken) is None


async def test_purge_takes_what_begins_so_and_no_more():
    cache = SharedCache(CacheStore(), "redis://127.0.0.1:1", compress=True, clock=lambda: NOW)
    for path in ("/api/v1/a/1", "/api/v1/a/2", "/api/v1/ab", "/api/v2/a/1"):
        cache.memory.put(entry(path))
    assert cache.purge(b"/api/v1/a/") == 2
    assert sorted(key[4] for key in cache.memory.entries) == [b"/api/v1/ab", b"/api/v2/a/1"]
    assert cache.purge(b"/") == 2


def test_what_an_answer_varies_by_holds_no_credential():
    head = RequestHead([(b"authorization", b"Bearer hunter2"), (b"cookie", b"hunter2")], http11=True, keep_alive=True)
    varies = vary_key((b"authorization", b"cookie"), head)
    assert "hunter2" not in str(varies)
    other = RequestHead([(b"authorization", b"Bearer hunter3")], http11=True, keep_alive=True)
    assert {value for _, value in varies}.isdisjoint(value for _, value in vary_key((b"authorization",), other))


def test_the_headers_that_an_answer_varies_by_count_in_the_room():
    """They are the client's: 30 kB each beside a body of ten bytes."""
    memory = Memory(100_000)
    times = Freshness(NOW, NOW + 60, 0.0, 0.0, no_cache=False, shared=True)
    for number in range(16):
        vary = ((b"x-any", b"%d" % number * 10_000),)
        memory.put(Entry(keyed(b"/a"), b"/a", 200, [DATE], b"x", vary, times, NOW))
    assert sum(len(kept.vary[0][1]) for kept in memory.entries[keyed(b"/a")]) <= memory.limit
