"""The cache's half of one exchange that no kept answer could serve at once: it waits, fetches, keeps, or looks on."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from gateway.cache.conditions import unchanged
from gateway.cache.directives import first
from gateway.cache.entry import Entry, Key
from gateway.cache.freshness import Headers, freshness, lifetime, not_kept, varied
from gateway.cache.rendition import ttl
from gateway.cache.varying import selected, vary_key
from gateway.data.answer_head import AnswerHead
from gateway.data.forwarded_head import HOP_BY_HOP, connection_names
from gateway.data.request_head import Derived, RequestHead
from gateway.data.standing_headers import OURS

if TYPE_CHECKING:
    from gateway.cache.flight import Flight
    from gateway.cache.shared_cache import SharedCache
    from gateway.cache.stores import Generation
    from gateway.data.exchange import Exchange
    from gateway.problem import Refusal

_FAILURES = frozenset({500, 502, 503, 504})
_CONDITIONAL = frozenset({b"if-none-match", b"if-modified-since", b"range", b"if-range"})
_OF_BODY = frozenset({b"content-length", b"content-encoding", b"transfer-encoding", b"content-range"})
_NOT_KEPT = HOP_BY_HOP | OURS | {b"content-length", b"age"}
_NOT_MODIFIED = 304
CREDENTIALS = frozenset({b"authorization", b"x-api-key", b"cookie"})


class Caching:
    """``leads``: its flight is waited for by others. ``fills``: what it fetches may be kept."""

    __slots__ = (
        "asked_at",
        "cache",
        "entry",
        "exchange",
        "fills",
        "flight",
        "forward",
        "generation",
        "key",
        "leads",
        "new",
        "path",
        "pieces",
        "policy",
        "refusal",
        "size",
        "spoiled",
        "status",
        "stored",
        "taken",
        "waits",
        "wants_newest",
    )

    def __init__(self, cache: SharedCache, exchange: Exchange, key: Key, forward: bytes) -> None:
        assert exchange.match is not None  # noqa: S101 - only a routed request comes here
        policy = exchange.match.route.cache
        assert policy is not None  # noqa: S101 - and only one whose route keeps answers
        self.cache = cache
        self.exchange = exchange
        self.policy = policy
        self.key = key
        self.path = exchange.match.public or exchange.match.path
        # Why it goes forward, in the words of RFC 9211.
        self.forward = forward
        # The stale answer that may turn out to hold.
        self.entry: Entry | None = None
        self.flight: Flight | None = None
        self.generation: Generation | None = None
        self.wants_newest = False
        self.leads = self.waits = self.fills = self.spoiled = self.stored = False
        self.asked_at = 0.0
        self.status = 0
        self.taken: AnswerHead | None = None
        self.refusal: Refusal | None = None
        self.new: AnswerHead | None = None
        self.pieces: list[bytes] | None = None
        self.size = 0

    def on_second_tier(self, entry: Entry | None, generation: Generation | None) -> None:
        """What Redis has, asked for by who leads before it goes to the service."""
        exchange, cache = self.exchange, self.cache
        if exchange.done:
            return
        try:
            self.generation = generation
            if entry is not None and not self.spoiled and self._suits(entry):
                cache.memory.put(entry)
                now = cache.clock()
                if now < entry.fresh_until and not self.wants_newest:
                    cache.count(exchange, "hit-redis")
                    exchange.event("cache", outcome="hit-redis")
                    self._land(entry)
                    cache.serve(
                        exchange, entry, cache.clock(), b"hit; ttl=%d; detail=redis" % ttl(entry, cache.clock())
                    )
                    return
                if self.entry is None or self.entry.asked < entry.asked:
                    self.entry = entry
            exchange.fetch()
        except Exception as error:  # noqa: BLE001 - said and logged by on_fault
            exchange.on_fault(error)

    def _suits(self, entry: Entry) -> bool:
        """Whether the entry is for the headers of this request, and may be given to who has credentials."""
        head = self.exchange.head
        return selected([entry], head) is not None and (entry.shared or CREDENTIALS.isdisjoint(head.fields))

    # The request

    def asked(self, head: RequestHead) -> RequestHead:
        """The head for the service: a fetch that is to be kept asks for the whole, or whether ours still holds."""
        # The first of several attempts: what comes of it cannot be newer than that.
        self.asked_at = self.asked_at or self.cache.clock()
        if not self.fills:
            return head
        sent = copy.copy(head)
        # Made of other headers, and for requests that are alike.
        sent.derived = Derived()
        sent.headers = [line for line in head.headers if line[0] not in _CONDITIONAL]
        sent.fields = {name: value for name, value in head.fields.items() if name not in _CONDITIONAL}
        if self.entry is not None:
            sent.headers += self.entry.validators
        return sent

    # The answer, from the forwarding

    def on_head(self, head: AnswerHead) -> AnswerHead | None:
        """The head to be sent to the client, or None: its answer comes from the cache when this one is through."""
        self.status = head.status
        entry = self.entry
        if not self.fills:
            self.cache.seen(self, head)
            return head
        if entry is not None and (head.status == _NOT_MODIFIED or (head.status in _FAILURES and self._outlives())):
            self.taken = head
            self.exchange.status = head.status
            return None
        self._record(head)
        etag, modified = first(head.headers, b"etag"), first(head.headers, b"last-modified")
        if head.status == 200 and unchanged(self.exchange.head, etag, modified):  # noqa: PLR2004
            # The condition was left out of the request, for everybody's sake; the client's answer keeps it.
            return AnswerHead.read(_NOT_MODIFIED, [line for line in head.headers if line[0] not in _OF_BODY])
        return head

    def _record(self, head: AnswerHead) -> None:
        now = self.cache.clock()
        seconds = lifetime(head.status, head.headers, now, heuristic=self.policy.heuristic)
        fields = self.exchange.head.fields
        reason = not_kept(head.status, head.headers, credentials=not CREDENTIALS.isdisjoint(fields), lifetime=seconds)
        length = head.content_length
        if reason is None and (length or 0) > self.policy.max_object:
            reason = "too-large"
        if reason is None and length is None and b"transfer-encoding" not in head.fields and head.status != 204:  # noqa: PLR2004
            # Its end is the end of the connection, and so is that of an answer that broke off.
            reason = "no-length"
        if reason is None and self.spoiled:
            reason = "changed"
        self.exchange.event("cache.store", outcome=reason or "stored")
        if reason is None:
            self.pieces, self.stored, self.new = [], True, head
            return
        self.cache.unkept(self, reason, head.status)
        self._release(again=reason == "changed")

    def on_body(self, data: bytes) -> None:
        """A piece; one too many and nothing is kept."""
        if self.pieces is None:
            return
        self.size += len(data)
        if self.size > self.policy.max_object:
            self.pieces = None
            self.cache.unkept(self, "too-large", self.status)
            self._release(again=False)
        else:
            self.pieces.append(data)

    def on_end(self) -> bool:
        """The service is through. True when the client is answered from here."""
        if self.taken is not None:
            self._serve_taken(self.taken)
            return True
        if self.pieces is not None and self.new is not None:
            entry = self._entry(self.new, b"".join(self.pieces), self.new.headers)
            self.pieces = None
            self.cache.keep(self, entry)
            self._land(entry)
        return False

    def _serve_taken(self, head: AnswerHead) -> None:
        old, now = self.entry, self.cache.clock()
        assert old is not None  # noqa: S101 - else nothing is taken
        if head.status != _NOT_MODIFIED:
            self._serve_on_error(b"; fwd-status=%d" % head.status)
            return
        entry = self._entry(AnswerHead.read(old.status, old.freshened(_kept(head))), old.body, head.headers)
        if old.etag == entry.etag:
            entry.coded = old.coded
        reason = self._unkept_now(entry)
        self.exchange.event("cache.validate", outcome=reason or "held")
        if reason is None:
            self.cache.keep(self, entry)
            self._land(entry)
        else:
            # It holds for who asked; what came along with it (a cookie, a "private") is not for the next.
            self.cache.unkept(self, reason, entry.status)
            self._release(again=False)
        stored = b"; stored" if reason is None else b""
        self.cache.serve(self.exchange, entry, now, b"fwd=%b; fwd-status=304%b" % (self.forward, stored))

    def _unkept_now(self, entry: Entry) -> str | None:
        seconds = lifetime(entry.status, entry.headers, self.cache.clock(), heuristic=self.policy.heuristic)
        credentials = not CREDENTIALS.isdisjoint(self.exchange.head.fields)
        return not_kept(entry.status, entry.headers, credentials=credentials, lifetime=seconds)

    def _entry(self, head: AnswerHead, body: bytes, said: Headers) -> Entry:
        """``said``: the headers that came just now, whose Date and Age count."""
        headers = [line for line in _kept(head) if line[0] != b"age"]
        if b"date" not in head.fields:
            headers.append((b"date", self.exchange.gateway.date()))
        now, policy = self.cache.clock(), self.policy
        seconds = lifetime(head.status, headers, now, heuristic=policy.heuristic)
        timed = [line for line in said if line[0] == b"age"] + headers
        vary = vary_key(varied(headers), self.exchange.head)
        times = freshness(timed, seconds, self.asked_at, now, policy)
        return Entry(self.key, self.path, head.status, headers, body, vary, times, self.asked_at)

    # When the service fails

    def _outlives(self) -> bool:
        # Who asked for the newest is told that it cannot be had.
        return self.entry is not None and not self.wants_newest and self.cache.clock() < self.entry.error_until

    def _serve_on_error(self, note: bytes) -> None:
        assert self.entry is not None  # noqa: S101 - see _outlives
        self.exchange.event("cache.stale", reason="error")
        self._land(self.entry)
        self.cache.count(self.exchange, "stale-if-error")
        self.cache.serve(self.exchange, self.entry, self.cache.clock(), b"fwd=%b%b" % (self.forward, note))

    def on_refused(self, refusal: Refusal) -> bool:
        """The gateway is about to say that the service failed. True when a stale answer is given instead."""
        exchange = self.exchange
        self.refusal = refusal
        if exchange.head_sent or refusal.status not in _FAILURES or not self.fills or not self._outlives():
            return False
        if exchange.forwarding is not None:
            exchange.forwarding.cancel()
        self._serve_on_error(b"")
        return True

    def on_over(self) -> None:
        """The exchange is over, whatever way: nobody waits on for it."""
        self.waits = False
        self.pieces = None
        self.cache.filled(self)
        if self.flight is not None and self.leads and not self.flight.over:
            refusal = self.refusal
            # What the leader waited for may have been its own share of the service, which says nothing of the others'.
            if refusal is not None and refusal.status in _FAILURES and refusal.code != "upstream_busy":
                self.cache.ended(self.flight)
                self.flight.failed(refusal)
            else:
                self._release(again=True)

    def _land(self, entry: Entry) -> None:
        if self.flight is not None and self.leads and not self.flight.over:
            self.cache.ended(self.flight)
            self.flight.landed(entry)

    def _release(self, *, again: bool) -> None:
        if self.flight is not None and self.leads and not self.flight.over:
            self.cache.ended(self.flight)
            self.flight.useless(again=again)

    # A follower

    def on_landed(self, entry: Entry) -> None:
        """The flight brought an answer; it may be for other request headers than ours."""
        self.waits = False
        try:
            if not self._suits(entry):
                self.on_useless(again=False)
            else:
                self.cache.count(self.exchange, "collapsed")
                self.cache.serve(self.exchange, entry, self.cache.clock(), b"fwd=%b; collapsed" % self.forward)
        except Exception as error:  # noqa: BLE001 - said and logged by on_fault
            self.exchange.on_fault(error)

    def on_failed(self, refusal: Refusal | None) -> None:
        """The flight failed."""
        self.waits = False
        if refusal is not None:
            self.exchange.refuse(refusal)
        else:
            self.on_useless(again=True)

    def on_useless(self, *, again: bool) -> None:
        """The flight brought nothing for us."""
        self.waits = False
        self.exchange.caching = None
        if not again:
            self.cache.alone(self.exchange, self.key, self.forward)
        self.exchange.fetch()

    def on_late(self) -> bool:
        """The deadline of the exchange has passed. True when it was the wait for another's fetch that ended."""
        if not self.waits:
            return False
        self.exchange.event("cache.wait", outcome="late")
        self.on_useless(again=False)
        return True

    def status_line(self) -> bytes:
        """``Cache-Status`` of an answer that comes from the service (RFC 9211)."""
        stored = b"; stored" if self.stored else b""
        return b"cache-status: gatehouse; fwd=%b%b\r\n" % (self.forward, stored)


def _kept(head: AnswerHead) -> Headers:
    named = connection_names(head.fields.get(b"connection"))
    return [line for line in head.headers if line[0] not in _NOT_KEPT and line[0] not in named]
