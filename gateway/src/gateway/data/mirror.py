"""Shadow traffic: a copy of a request for another upstream, whose answer is dropped.

The client's request never waits for its copy: a copy begins beside it, has a bounded number of others beside itself,
a bounded body and a bounded time, and where any of that is over it is simply not made or given up.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from gateway.upstream.outcome import Outcome, of_status

if TYPE_CHECKING:
    import asyncio

    from gateway.data.exchange import Exchange
    from gateway.data.forwarding import Forwarding
    from gateway.routes.model import RouteModel, RoutesModel
    from gateway.upstream.connection import Connection
    from gateway.upstream.target import Target

log = structlog.stdlib.get_logger(__name__)

_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_MARK = b"x-shadow-request: 1\r\n\r\n"
_FIRST_FINAL = 200


@dataclass(frozen=True, slots=True)
class MirrorPolicy:
    """Of one route."""

    upstream: str
    share: float
    unsafe: bool
    max_body: int
    max_in_flight: int
    timeout: float

    def refuses(self, exchange: Exchange) -> str:
        """Why a request is not copied, or nothing."""
        head = exchange.head
        if exchange.method not in _SAFE and not self.unsafe:
            return "unsafe"
        if exchange.websocket or head.expects_continue:
            return "not_copied"
        return "too_large" if (head.content_length or 0) > self.max_body else ""


def compile_mirror(model: RouteModel, file: RoutesModel) -> MirrorPolicy | None:
    """From the table ``mirror``."""
    mirror = model.mirror
    if mirror is None:
        return None
    upstream = file.resolved(mirror.upstream)
    return MirrorPolicy(upstream, mirror.share, mirror.unsafe, mirror.max_body, mirror.max_in_flight, mirror.timeout)


class Mirrors:
    """The copies under way, of one process."""

    def __init__(self) -> None:
        self.in_flight: dict[str, int] = {}

    def begin(self, exchange: Exchange, forwarding: Forwarding, policy: MirrorPolicy) -> Mirror | None:
        """A copy of a request that is about to be forwarded; None where it is none of the share, or cannot be."""
        if random.random() >= policy.share:  # noqa: S311 - a sample
            return None
        refused = policy.refuses(exchange)
        under_way = self.in_flight.get(policy.upstream, 0)
        if not refused and under_way >= policy.max_in_flight:
            refused = "full"
        exchange.event("mirror", upstream=policy.upstream, outcome=refused or "copied")
        if refused:
            _count(exchange, refused)
            return None
        self.in_flight[policy.upstream] = under_way + 1
        return Mirror(self, exchange, forwarding, policy)

    def ended(self, policy: MirrorPolicy) -> None:
        """One less."""
        self.in_flight[policy.upstream] -= 1


def _count(exchange: Exchange, outcome: str) -> None:
    assert exchange.match is not None  # noqa: S101 - a routed request
    exchange.gateway.routing.mirrored.add(exchange.match.route.name, outcome)


class Mirror:
    """One copy: gathers the body, then waits for a connection and listens to it."""

    on_whole_answer = None

    def __init__(self, mirrors: Mirrors, exchange: Exchange, forwarding: Forwarding, policy: MirrorPolicy) -> None:
        self.method = exchange.method
        self.switches = False
        self._mirrors, self._policy = mirrors, policy
        self._exchange, self._forwarding = exchange, forwarding
        self._body = list(exchange.held)
        self._size = sum(map(len, self._body))
        self._head = b""
        self._status = 0
        self._connection: Connection | None = None
        self._target: Target | None = None
        self._timer: asyncio.TimerHandle | None = exchange.gateway.loop.call_later(policy.timeout, self._end, "late")
        if exchange.body_read:
            self.end()

    @property
    def _over(self) -> bool:
        return self._timer is None

    # From the exchange

    def piece(self, data: bytes) -> None:
        """A piece of the request's body."""
        if self._over:
            return
        self._size += len(data)
        self._body.append(data)
        if self._size > self._policy.max_body:
            self._end("too_large")

    def end(self) -> None:
        """The request is whole: send the copy. Whatever goes wrong with it is none of the client's business."""
        if self._over or self._target is not None:
            return
        try:
            self._send()
        except Exception:
            log.exception("mirror_failed", upstream=self._policy.upstream)
            self._end("failed")

    def leave(self) -> None:
        """The client's request is over; a copy of which only a part has come is none."""
        if self._target is None and not self._over:
            self._end("incomplete")

    def _send(self) -> None:
        gateway = self._exchange.gateway
        target = gateway.upstreams[self._policy.upstream].choose()
        if target is None:
            self._end("unreachable")
            return
        head = self._forwarding.head(target.pool)
        self._head = head.removesuffix(b"\r\n") + _MARK
        body = b"".join(self._body)
        if self._exchange.head.chunked:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        self._body = [body]
        self._target = target
        target.began()
        if target.pool.acquire(self) == "full":
            self._end("full")

    # From the pool

    def on_connection(self, connection: Connection, *, reused: bool) -> None:  # noqa: ARG002 - sent once in any case
        """Send it whole."""
        if self._over:
            connection.pool.release(connection)
            return
        self._connection = connection
        connection.begin(self, self._head + self._body[0])
        connection.request_complete = True

    def on_no_connection(self, *, late: bool) -> None:  # noqa: ARG002
        """The upstream refuses, or does not answer, a connect."""
        self._end("unreachable", Outcome.UNREACHABLE)

    # From the connection: all of the answer is dropped

    def on_answer_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:  # noqa: ARG002
        """Only its status is of interest, for the upstream's record."""
        if status >= _FIRST_FINAL:
            self._status = status

    def on_answer_body(self, data: bytes) -> None:
        """Dropped."""

    def on_trailers(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """They are dropped too."""

    def on_answer_batch(self) -> None:
        """Nothing is written."""

    def on_answer_end(self) -> None:
        """The connection is back in its pool."""
        self._connection = None
        self._end("answered", of_status(self._status))

    def on_connection_lost(self, connection: Connection, *, answered: bool) -> None:  # noqa: ARG002
        """It broke off."""
        self._connection = None
        self._end("failed", Outcome.BROKE)

    def on_switched(self, transport: asyncio.Transport, headers: list[tuple[bytes, bytes]], rest: bytes) -> None:  # noqa: ARG002
        """Nothing was offered to switch to."""
        transport.abort()
        self._end("failed", Outcome.BROKE)

    def on_upstream_full(self) -> None:
        """What is to be sent has been handed over."""

    def on_upstream_drained(self) -> None:
        """See ``on_upstream_full``."""

    def _end(self, outcome: str, told: Outcome = Outcome.ABANDONED) -> None:
        timer, self._timer = self._timer, None
        if timer is None:
            return
        timer.cancel()
        self._body.clear()
        self._mirrors.ended(self._policy)
        _count(self._exchange, outcome)
        if self._target is not None:
            self._target.pool.give_up(self)
            self._target.ended(told, 0.0)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abandon()
