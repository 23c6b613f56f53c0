"""The cache step of a request: answer from what is kept, wait for who fetches it, or go forward and keep the answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from gateway.cache.caching import CREDENTIALS, Caching
from gateway.cache.conditions import asked_range, unchanged
from gateway.cache.directives import NONE, Directives, directives
from gateway.cache.flight import Flight
from gateway.cache.memory import Memory
from gateway.cache.news import News
from gateway.cache.refresh import Refresh
from gateway.cache.rendition import AT_ONCE, Rendition, age_line, coded, ttl
from gateway.cache.second_tier import SecondTier
from gateway.cache.varying import selected
from gateway.data.answer_head import status_line
from gateway.data.answering import kept_answer_head
from gateway.data.compression import negotiate, tag_sent
from gateway.data.forwarded_head import HOP_BY_HOP, connection_names
from gateway.limits.patience import PATIENCE
from gateway.problem import Refusal
from gateway.telemetry.series import Counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.cache.entry import Entry, Key
    from gateway.data.answer_head import AnswerHead
    from gateway.data.exchange import Exchange
    from gateway.routes.model.caching import CacheStore

# With one of these there is more to decide than whether a fresh answer is there.
_SPECIAL = frozenset(
    {
        b"cache-control",
        b"if-match",
        b"if-unmodified-since",
        b"pragma",
        b"range",
    }
)
_PRECONDITIONS = frozenset({b"if-match", b"if-unmodified-since"})
_SAFE = frozenset({b"GET", b"HEAD"})
# A body up to this size is copied behind its head to be written at once.
_ONE_WRITE = 16384
# How long a key is remembered as one whose answers cannot be kept, so that nobody waits for the next of them.
_UNKEPT_SECONDS = 10.0
_UNKEPT_KEYS = 4096


class SharedCache:
    """``begin`` is called for each request whose route keeps answers."""

    def __init__(
        self,
        model: CacheStore,
        url: str | None,
        *,
        compress: bool,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.changes = 0
        self.tier: SecondTier | None = None
        self._model = model
        self._url = url
        self._patience = patience
        self._news: News | None = None
        self.memory = Memory(model.memory)
        self.outcomes = Counts("gateway_cache", "What the cache did for a request.", ("route", "outcome"))
        self._loop = asyncio.get_running_loop()
        self._compress = compress
        self._flights: dict[Key, Flight] = {}
        # By path, all that is being fetched to be kept: a change of the path meanwhile spoils it.
        self._fills: dict[bytes, set[Caching]] = {}
        self._unkept: dict[Key, float] = {}
        self._compressing: set[tuple[int, bytes]] = set()

    @property
    def shared(self) -> bool:
        """Whether Redis keeps answers too."""
        return self.tier is not None and self.tier.up

    def take(self, model: CacheStore, *, used: bool) -> None:
        """New routes; ``used`` when any of them keeps answers. Redis is not connected to before one does."""
        redis = self._url if used and model.redis else None
        self._model = model
        self.memory.limit = model.memory
        self.memory.fit()
        if redis is not None and self.tier is None:
            self.tier = SecondTier(redis, self._patience)
            self._news = News(redis, self.tier, self)
            self.tier.link.start()
            self._news.link.start()
        elif redis is None:
            self.stop()

    def stop(self) -> None:
        """Hang up."""
        tier, self.tier = self.tier, None
        news, self._news = self._news, None
        if tier is not None:
            tier.link.stop()
        if news is not None:
            news.stop()

    # A request

    def begin(self, exchange: Exchange) -> bool:
        """True when the exchange is answered or waits; False when it is to go forward."""
        found, fields = exchange.match, exchange.head.fields
        assert found is not None  # noqa: S101 - only a routed request comes here
        if exchange.method not in _SAFE:
            return False
        key = self._key(exchange)
        entries = self.memory.entries.get(key)
        entry = None
        if entries is not None:
            entry = entries[0] if len(entries) == 1 and not entries[0].vary else selected(entries, exchange.head)
            if entry is not None and not (entry.shared or CREDENTIALS.isdisjoint(fields)):
                entry = None
        if entry is not None:
            now = self.clock()
            if now < entry.fresh_until and _SPECIAL.isdisjoint(fields) and not exchange.head.body_expected:
                self.serve(exchange, entry, now, None)
                return True
        return self._consider(exchange, key, entry, b"vary-miss" if entries is not None and entry is None else b"miss")

    def _key(self, exchange: Exchange) -> Key:
        """All that the service may make its answer of beside what it says in Vary."""
        found, client, head = exchange.match, exchange.client, exchange.head
        assert found is not None  # noqa: S101 - see begin
        # Where a request header chose the route, another route may ask another thing of the same upstream.
        # And where a route rewrites or states headers, others may mean something else by the same forwarded path.
        own = found.varies or found.public or found.route.request_headers is not None
        whose = f"{found.upstream}/{found.route.name}" if own else found.upstream
        if exchange.gateway.proxies.trusts(client.peer):
            scheme = head.fields.get(b"x-forwarded-proto", b"http")
            forwarded = head.fields.get(b"x-forwarded-host", b"").lower()
            return (whose, scheme, head.host.lower(), forwarded, found.path, found.query)
        return (whose, client.scheme_bytes, head.host.lower(), b"", found.path, found.query)

    def _consider(self, exchange: Exchange, key: Key, entry: Entry | None, missing: bytes) -> bool:
        head, now = exchange.head, self.clock()
        fields = head.fields
        assert exchange.match is not None and exchange.match.route.cache is not None  # noqa: S101, PT018 - see begin
        policy = exchange.match.route.cache
        if head.body_expected or not _PRECONDITIONS.isdisjoint(fields) or _hides(fields.get(b"connection")):
            # A GET with a body may be answered by what the body says, which is in no key.
            return self._pass(exchange, key, b"bypass")
        said = _said(fields) if policy.client_directives else NONE
        if entry is not None and self._serves(exchange, entry, said, now):
            return True
        if said.only_if_cached:
            raise Refusal(504, "not_cached", "Nothing kept answers this, and only that was asked for.")
        if said.no_store:
            return self._pass(exchange, key, b"request")
        forward = missing if entry is None else b"stale" if now >= entry.fresh_until else b"request"
        if exchange.method == b"HEAD" or b"range" in fields:
            return self._pass(exchange, key, forward)
        return self._fetch(
            exchange, key, entry, forward, fresh=said.no_cache or (said.max_age, said.min_fresh) != (None, None)
        )

    def _serves(self, exchange: Exchange, entry: Entry, said: Directives, now: float) -> bool:
        age, left = now - entry.born, entry.fresh_until - now
        if said.no_cache or (said.max_age is not None and age > said.max_age):
            return False
        if left > (said.min_fresh or 0):
            self.serve(exchange, entry, now, None)
            return True
        if entry.no_cache or said.min_fresh is not None:
            return False
        if said.max_stale is not None and entry.lenient and -left <= said.max_stale:
            self.count(exchange, "stale")
            self.serve(exchange, entry, now, b"hit; ttl=%d" % ttl(entry, now))
            return True
        if now < entry.stale_until and said.max_age is None:
            self.count(exchange, "stale-while-revalidate")
            exchange.event("cache", outcome="stale-while-revalidate")
            self._refresh(exchange, entry)
            self.serve(exchange, entry, now, b"hit; ttl=%d" % ttl(entry, now))
            return True
        return False

    def _refresh(self, exchange: Exchange, entry: Entry) -> None:
        if entry.key in self._flights:
            return
        refresh = Refresh(exchange)
        caching = refresh.caching = Caching(self, refresh, entry.key, b"stale")
        caching.fills, caching.entry = True, entry
        self._fills.setdefault(caching.path, set()).add(caching)
        self._lead(caching)
        # Not before the client has its answer.
        self._loop.call_soon(self._begin_refresh, refresh, caching)

    def _begin_refresh(self, refresh: Refresh, caching: Caching) -> None:
        refresh.begin()
        tier = self.tier
        if tier is not None and tier.up and caching.policy.redis:
            tier.get(caching.key, caching.path, caching.on_second_tier)
        else:
            refresh.fetch()

    def _pass(self, exchange: Exchange, key: Key, forward: bytes) -> bool:
        exchange.caching = Caching(self, exchange, key, forward)
        self.count(exchange, "pass")
        return False

    def _fetch(self, exchange: Exchange, key: Key, entry: Entry | None, forward: bytes, *, fresh: bool) -> bool:
        caching = exchange.caching = Caching(self, exchange, key, forward)
        flight, now = self._flights.get(key), self._loop.time()
        if flight is not None and now - flight.began >= caching.policy.wait:
            flight = None
        if flight is not None and not fresh:
            caching.flight, caching.waits = flight, True
            flight.join(caching)
            exchange.due = now + caching.policy.wait
            exchange.event("cache", outcome="wait")
            return True
        caching.fills, caching.entry = True, entry
        self._fills.setdefault(caching.path, set()).add(caching)
        caching.wants_newest = fresh
        self.count(exchange, forward.decode())
        exchange.event("cache", outcome=forward.decode())
        if flight is not None or self._unkept.get(key, 0.0) >= now:
            return False
        self._lead(caching)
        tier = self.tier
        if tier is None or not tier.up or not caching.policy.redis:
            return False
        tier.get(key, caching.path, caching.on_second_tier)
        return True

    def _lead(self, caching: Caching) -> None:
        caching.leads, caching.flight = True, Flight(caching.key, self._loop.time())
        self._flights[caching.key] = caching.flight

    def alone(self, exchange: Exchange, key: Key, forward: bytes) -> None:
        """A follower for whom the flight was of no use fetches for itself."""
        caching = exchange.caching = Caching(self, exchange, key, forward)
        caching.fills = True
        self._fills.setdefault(caching.path, set()).add(caching)
        self.count(exchange, forward.decode())

    # What is kept

    def keep(self, caching: Caching, entry: Entry) -> None:
        """Unless the path was changed since it was asked for, or a later request has brought a newer one."""
        if caching.spoiled:
            return
        present = self.memory.entries.get(entry.key, ())
        if any(kept.vary == entry.vary and kept.asked > entry.asked for kept in present):
            return
        self._unkept.pop(entry.key, None)
        self.memory.put(entry)
        small = len(entry.body) <= self._model.redis_object
        if self.tier is not None and caching.generation is not None and small:
            self.tier.put(entry, caching.generation, self.clock())

    def unkept(self, caching: Caching, reason: str, status: int) -> None:
        """The answer to a fetch cannot be kept."""
        if reason == "changed":
            return
        if status < 400 and caching.entry is not None and self.memory.holds(caching.entry):  # noqa: PLR2004
            self.memory.drop(caching.entry)
        if len(self._unkept) >= _UNKEPT_KEYS:
            self._unkept.clear()
        self._unkept[caching.key] = self._loop.time() + _UNKEPT_SECONDS

    def filled(self, caching: Caching) -> None:
        """It is over, one way or the other."""
        fills = self._fills.get(caching.path)
        if fills is not None:
            fills.discard(caching)
            if not fills:
                del self._fills[caching.path]

    def ended(self, flight: Flight) -> None:
        """Nobody joins it any more."""
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]

    def seen(self, caching: Caching, head: AnswerHead) -> None:
        """An answer to HEAD tells whether what is kept still holds (RFC 9111 section 4.3.5)."""
        if caching.exchange.method != b"HEAD" or head.status != 200:  # noqa: PLR2004
            return
        for entry in list(self.memory.entries.get(caching.key, ())):
            length = head.content_length
            changed = (head.fields.get(b"etag"), head.fields.get(b"last-modified")) != (entry.etag, entry.modified)
            if changed or (length is not None and length != len(entry.body)):
                self.memory.drop(entry)

    # Invalidation

    def changed(self, path: bytes) -> int:
        """What is kept of a path counts no more, and what is being fetched of it will not be kept."""
        for caching in self._fills.pop(path, ()):
            caching.spoiled = True
            if caching.flight is not None and caching.leads:
                self.ended(caching.flight)
        return self.memory.drop_path(path)

    def invalidate(self, paths: set[bytes]) -> None:
        """A change came through this process: here it counts at once, elsewhere as soon as Redis has told of it."""
        self.changes += len(paths)
        for path in paths:
            self.changed(path)
            if self.tier is not None:
                self.tier.invalidate(path)

    def purge(self, prefix: bytes) -> int:
        """For operators: forget all paths that begin so (as forwarded: with their version); how many answers went."""
        if self.tier is not None:
            self.tier.purge(prefix)
        return self._purged(prefix)

    def _purged(self, prefix: bytes) -> int:
        for path in [path for path in self._fills if path.startswith(prefix)]:
            self.changed(path)
        return self.memory.drop_prefix(prefix)

    # From other processes

    def on_changed(self, path: bytes) -> None:
        """A change came through another process."""
        self.changed(path)

    def on_purged(self, prefix: bytes) -> None:
        """An operator purged in another process."""
        self._purged(prefix)

    def on_gap(self) -> None:
        """Redis was away, and with it the news of changes."""
        self._purged(b"/")

    # Answers

    def count(self, exchange: Exchange, outcome: str) -> None:
        """For the metrics."""
        assert exchange.match is not None  # noqa: S101 - see begin
        self.outcomes.add(exchange.match.route.name, outcome)

    def serve(self, exchange: Exchange, entry: Entry, now: float, note: bytes | None) -> None:
        """Answer from ``entry``. ``note`` is what Cache-Status says, None for a plain hit."""
        head, fields = exchange.head, exchange.head.fields
        entry.hit = True
        if note is None:
            self.count(exchange, "hit")
            exchange.event("cache", outcome="hit")
        ranged = b"range" in fields
        rendition = self._rendition(exchange, entry, plain=ranged)
        sent = fields.get(b"if-none-match")
        conditional = (sent is not None or b"if-modified-since" in fields) and entry.status == 200  # noqa: PLR2004
        known = sent is not None and sent == rendition.etag
        if conditional and (known or unchanged(head, entry.etag, entry.modified)):
            lines = rendition.head_304(now) if note is None else rendition.unchanged + _said_of(entry, now, note)
            if entry.etag is not None:
                etag = rendition.etag if sent is None or known else tag_sent(sent, entry.etag)
                lines += b"etag: %b\r\n" % etag
            self._answer(exchange, 304, lines, rendition, b"")
            return
        if ranged and exchange.method == b"GET" and entry.status == 200:  # noqa: PLR2004
            part = asked_range(head, entry.etag, entry.modified, len(entry.body))
            if part is not None:
                self._answer_part(exchange, entry, rendition, part, _said_of(entry, now, note))
                return
        lines = rendition.head(now) if note is None else rendition.whole + _said_of(entry, now, note)
        self._answer(exchange, entry.status, lines, rendition, rendition.body)

    def _answer(self, exchange: Exchange, status: int, lines: bytes, rendition: Rendition, body: bytes) -> None:
        head = kept_answer_head(exchange, status, lines, with_policy=rendition.plain_policy)
        if not body or exchange.method == b"HEAD":
            exchange.write(head)
        elif len(body) <= _ONE_WRITE:
            exchange.write(head + body)
        else:
            exchange.write(head)
            exchange.write(body)
        exchange.finish()

    def _answer_part(
        self, exchange: Exchange, entry: Entry, rendition: Rendition, part: tuple[int, int], said: bytes
    ) -> None:
        start, end = part
        body = entry.body[start:end]
        size = len(entry.body)
        if body:
            given, status = b"bytes %d-%d/%d" % (start, end - 1, size), 206
        else:
            given, status = b"bytes */%d" % size, 416
        assert exchange.match is not None  # noqa: S101 - see begin
        route = exchange.match.route
        kept = [(n, v) for n, v in entry.headers if n not in route.replaced and (body or n in _ALSO_UNSATISFIED)]
        headers = [n + b": " + v + b"\r\n" for n, v in kept]
        lines = b"".join(
            [
                status_line(status),
                *headers,
                route.answer_lines,
                b"content-range: %b\r\ncontent-length: %d\r\n" % (given, len(body)),
                said,
            ]
        )
        self._answer(exchange, status, lines, rendition, body)

    def _rendition(self, exchange: Exchange, entry: Entry, *, plain: bool) -> Rendition:
        assert exchange.match is not None  # noqa: S101 - see begin
        coding = None
        if entry.compresses and self._compress and not plain:
            accepts = exchange.head.fields.get(b"accept-encoding")
            coding = None if accepts is None else negotiate(accepts)
            if coding is not None and coding not in entry.coded and not self._coded(entry, coding):
                coding = None
        by_accept, route = exchange.match.by_accept, exchange.match.route
        kind = (coding, by_accept, route.replaced, route.answer_lines)
        rendition = entry.renditions.get(kind)
        if rendition is None:
            body = entry.body if coding is None else entry.coded[coding]
            rendition = Rendition(entry, body, coding, by_accept=by_accept, route=route)
            entry.renditions[kind] = rendition
        return rendition

    def _coded(self, entry: Entry, coding: bytes) -> bool:
        """Compress it once: a small body now, a large one in a thread, and until then it goes as it is."""
        if len(entry.body) <= AT_ONCE:
            self._add_coded(entry, coding, coded(entry, coding))
            return True
        job = (id(entry), coding)
        if job not in self._compressing:
            self._compressing.add(job)
            future = self._loop.run_in_executor(None, coded, entry, coding)
            future.add_done_callback(lambda done: self._compressed(entry, coding, done))
        return False

    def _compressed(self, entry: Entry, coding: bytes, done: asyncio.Future[bytes]) -> None:
        self._compressing.discard((id(entry), coding))
        if not done.cancelled() and done.exception() is None:
            self._add_coded(entry, coding, done.result())

    def _add_coded(self, entry: Entry, coding: bytes, body: bytes) -> None:
        entry.coded[coding] = body
        self.memory.grow(entry, len(body))


_ALSO_UNSATISFIED = frozenset({b"date", b"vary"})


def _said(fields: dict[bytes, bytes]) -> Directives:
    value = fields.get(b"cache-control")
    if value is None:
        # RFC 9111 section 5.4: only where Cache-Control is absent.
        return _NO_CACHE if b"no-cache" in fields.get(b"pragma", b"").lower() else NONE
    return directives(value)


_NO_CACHE = Directives(no_cache=True)


def _hides(connection: bytes | None) -> bool:
    """Whether Connection takes a header from the service that the answer may be kept under."""
    return not connection_names(connection) <= _OF_CONNECTION


_OF_CONNECTION = HOP_BY_HOP | {b"close", b""}


def _said_of(entry: Entry, now: float, note: bytes | None) -> bytes:
    note = b"hit; ttl=%d" % ttl(entry, now) if note is None else note
    return age_line(entry, now) + b"cache-status: gatehouse; %b\r\n" % note
