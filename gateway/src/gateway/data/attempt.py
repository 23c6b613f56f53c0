"""One attempt at a request: a connection to a target, the request on it, and its answer on the way to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cache.invalidation import invalidate
from gateway.data.answer_head import AnswerHead
from gateway.data.answering import answer_head, interim_head, whole_answer_head
from gateway.data.trailers import takes_trailers, trailer_lines
from gateway.data.tunnel import Tunnel
from gateway.data.websocket_handshake import agreed
from gateway.upstream.outcome import Outcome, of_status

if TYPE_CHECKING:
    import asyncio

    from gateway.data.answer_body import AnswerBody
    from gateway.data.forwarding import Forwarding
    from gateway.upstream.connection import Connection
    from gateway.upstream.known_answers import KnownHead
    from gateway.upstream.target import Target

_SWITCHING = 101
_FIRST_FINAL = 200
_REQUEST_TIMEOUT = 408
# The statuses above it may be worth another attempt.
_NOT_IMPLEMENTED = 501


class Attempt:
    """Waits for a connection and listens to it; what becomes of the request after a failure is the forwarding's."""

    __slots__ = (
        "answered_after",
        "asked_at",
        "body",
        "connection",
        "exchange",
        "forwarding",
        "method",
        "out",
        "outcome",
        "over",
        "reused",
        "switches",
        "target",
    )

    def __init__(self, forwarding: Forwarding, target: Target) -> None:
        self.forwarding = forwarding
        self.exchange = forwarding.exchange
        self.method = forwarding.method
        self.switches = self.exchange.websocket
        self.target = target
        self.asked_at = 0.0
        self.answered_after = 0.0
        # What the target was told came of it.
        self.outcome: Outcome | None = None
        target.began()
        self.connection: Connection | None = None
        self.reused = False
        # Nothing that still comes of it is wanted.
        self.over = False
        # Framed as the client gets it; None until this attempt's answer has become the client's.
        self.body: AnswerBody | None = None
        self.out: list[bytes] = []

    def abandon(self) -> None:
        """Give the wait or the connection up: the upstream sees a hang-up."""
        self.over = True
        self.target.pool.give_up(self)
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.abandon()
        self.tell(Outcome.ABANDONED)

    def tell(self, outcome: Outcome) -> None:
        """The target learns, once, what came of it."""
        if self.outcome is None:
            self.outcome = outcome
            self.target.ended(outcome, self.answered_after)

    # From the pool

    def on_connection(self, connection: Connection, *, reused: bool) -> None:
        """Send the request on it."""
        if self.over or self.exchange.done:
            connection.pool.release(connection)
            return
        self.connection, self.reused = connection, reused
        connection.begin(self, self.forwarding.head(connection.pool))
        self.forwarding.on_head_sent(self, connection)

    def on_no_connection(self, *, late: bool) -> None:
        """The upstream refuses, or does not answer, a connect."""
        self.tell(Outcome.UNREACHABLE)
        if not self.over and not self.exchange.done:
            self.over = True
            self.forwarding.on_unreachable(self, late=late)

    # From the connection

    def on_upstream_full(self) -> None:
        """Back-pressure: the client is read no further."""
        self.exchange.client.pause_reading()

    def on_upstream_drained(self) -> None:
        """And is again."""
        self.exchange.client.resume_reading()

    def on_answer_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Interim answers pass; the final one begins the client's, unless there is to be another attempt."""
        if self.over:
            return
        exchange, forwarding = self.exchange, self.forwarding
        if status < _FIRST_FINAL:
            interim = interim_head(exchange, status, headers)
            if interim is not None and self is forwarding.attempt:
                self.out.append(interim)
            return
        if status == _REQUEST_TIMEOUT and forwarding.takes_back(self, headers):
            return
        if (status > _NOT_IMPLEMENTED or forwarding.hedge is not None) and not forwarding.accepts(
            self, status, headers
        ):
            self.over = True
            return
        self.answered_after = exchange.gateway.loop.time() - self.asked_at
        forwarding.late = "idle"
        if forwarding.upload is not None:
            forwarding.upload.forget()
        head = AnswerHead.read(status, headers)
        if exchange.caching is not None:
            kept = exchange.caching.on_head(head)
            if kept is None:
                return
            head = kept
        elif forwarding.route.changes is not None:
            invalidate(exchange, head)
        self.out.append(answer_head(exchange, head))
        self.body = exchange.body

    def on_whole_answer(self, known: KnownHead, body: bytes) -> None:
        """At once where nothing but our own lines is put into it; else as if it had come in pieces."""
        exchange, forwarding = self.exchange, self.forwarding
        head = None
        if (
            known.status <= _NOT_IMPLEMENTED
            and forwarding.hedge is None
            and forwarding.upload is None
            and exchange.caching is None
            and not (self.over or exchange.done)
        ):
            head = whole_answer_head(exchange, known)
        if head is None:
            self.on_answer_head(known.status, known.headers)
            self.on_answer_body(body)
            self.on_answer_end()
            return
        self.connection, self.over = None, True
        self.answered_after = exchange.gateway.loop.time() - self.asked_at
        self.tell(of_status(known.status))
        if forwarding.ticket or forwarding.counted:
            forwarding.leave()
        exchange.write(head + body)
        exchange.finish()
        forwarding.attempt = exchange.forwarding = None

    def on_switched(self, transport: asyncio.Transport, headers: list[tuple[bytes, bytes]], rest: bytes) -> None:
        """The service took the handshake: from here on it is a tunnel, which the pool and its shares do not count."""
        self.connection, exchange = None, self.exchange
        self.answered_after = exchange.gateway.loop.time() - self.asked_at
        if self.over or exchange.done:
            self.tell(Outcome.ABANDONED)
            transport.abort()
            return
        self.over = True
        self.forwarding.leave()
        if agreed(exchange.head.fields[b"sec-websocket-key"], headers):
            self.tell(of_status(_SWITCHING))
            exchange.tunnel = Tunnel(exchange, transport)
            exchange.tunnel.begin(headers, rest)
        else:
            self.tell(Outcome.BROKE)
            transport.abort()
            self.forwarding.on_wrong_protocol()

    def on_answer_body(self, data: bytes) -> None:
        """A piece of it."""
        if self.body is not None:
            if self.exchange.caching is not None:
                self.exchange.caching.on_body(data)
            self.body.piece(data, self.out)

    def on_trailers(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """They pass to a client that asked for them."""
        body = self.body
        if body is not None and body.chunked and takes_trailers(self.exchange.head):
            body.trailers = trailer_lines(trailers, coded=body.encoder is not None)

    def on_answer_batch(self) -> None:
        """One write for one read."""
        exchange, body = self.exchange, self.body
        if exchange.done:
            return
        if body is not None:
            body.flush(self.out)
            forwarding = self.forwarding
            exchange.due = min(exchange.gateway.loop.time() + forwarding.route.timeouts.idle, forwarding.ends)
        if self.out:
            exchange.write(b"".join(self.out))
            self.out.clear()

    def on_answer_end(self) -> None:
        """The upstream is through; its connection is back in the pool or closed."""
        self.connection, body, exchange = None, self.body, self.exchange
        self.tell(of_status(exchange.status))
        if exchange.caching is not None and not exchange.done and not self.over:
            self.over = exchange.caching.taken is not None
            if self.over:
                self.forwarding.leave()
            if exchange.caching.on_end():
                return
        if body is None or exchange.done:
            return
        self.over = True
        forwarding = self.forwarding
        if forwarding.ticket or forwarding.counted:
            forwarding.leave()
        body.end(self.out)
        if self.out:
            exchange.write(b"".join(self.out))
            self.out.clear()
        exchange.finish()
        # Nobody asks for the attempt any more: without the circle all of it is freed at once, not by the collector.
        forwarding.attempt = exchange.forwarding = None

    def on_connection_lost(self, connection: Connection, *, answered: bool) -> None:
        """With the answer under way the client's is cut; before it the forwarding decides."""
        self.connection, exchange = None, self.exchange
        # A kept-alive connection may end just when it is used: that says nothing about the target.
        self.tell(Outcome.BROKE if answered or not self.reused else Outcome.ABANDONED)
        if self.over or exchange.done:
            return
        self.out.clear()
        self.over = True
        if self.body is not None:
            exchange.code = "upstream_broke"
            self.forwarding.leave()
            exchange.cut()
        else:
            self.forwarding.on_lost(self, answered=answered, unsent=connection.unsent)
