"""The upstream half of an exchange: a connection from the pool, the request on it, the answer back, one safe retry."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from gateway.data.answer_head import AnswerHead
from gateway.data.answering import answer_head, interim_head
from gateway.data.client_address import limit_key
from gateway.data.compression import plain_etags
from gateway.data.forwarded_head import Hop, connection_names, forwarded_head
from gateway.problem import Refusal
from gateway.upstream.outcome import Outcome, of_status

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.upstream.connection import Connection
    from gateway.upstream.target import Target

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"})
_FIRST_FINAL = 200
# So much of a body is read before the upstream is bothered, and kept while the request may be sent again.
_HELD = 65536
_RETRY_SOON = ((b"retry-after", b"1"),)


class Forwarding:
    """Listens to one upstream connection on behalf of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        assert exchange.match is not None  # noqa: S101 - only a routed request is forwarded
        self.exchange = exchange
        self.method = exchange.method
        self.route = exchange.match.route
        self.upstream = exchange.gateway.upstreams[exchange.match.upstream]
        # Where the latest attempt is made; ``attempting`` until the target has been told what came of it.
        self.target: Target | None = None
        self.attempting = False
        self.asked_at = 0.0
        self.answered_after = 0.0
        self.client_key = limit_key(exchange.address)
        self.connection: Connection | None = None
        self.reused = False
        # Whether the body is still collected here, and whether the client's share of the pool counts this request.
        self.gathering = False
        self.counted = False
        self.upload_began: float | None = None
        self.started_ns = time.time_ns()
        self.late = "connect"
        self.ended = False
        # Pieces already sent, while the request may still be sent again.
        self.kept: list[bytes] | None = [] if self._may_repeat() else None
        self.kept_size = 0
        self.out: list[bytes] = []

    @property
    def sending(self) -> bool:
        """Whether pieces of the body are for ``send``; else they wait for the upstream's connection."""
        return self.gathering or self.connection is not None

    def _may_repeat(self) -> bool:
        head = self.exchange.head
        named = connection_names(head.fields.get(b"connection"))
        # A key that Connection names ends here: the service would not know the repetition for one.
        if b"idempotency-key" in head.fields and b"idempotency-key" not in named:
            return not head.expects_continue
        return self.method in _IDEMPOTENT and not head.body_expected

    def begin(self) -> None:
        """Take the body, or the first of it, before a connection that others could use meanwhile."""
        exchange = self.exchange
        exchange.gateway.retry_budget.request()
        if exchange.head.expects_continue:
            # It is the upstream that says whether the body may come; the client's time begins with its first byte.
            self._ask()
            return
        self.upload_began = exchange.gateway.loop.time()
        if exchange.body_read or self.route.stream or exchange.bytes_in >= _HELD:
            self._ask()
        else:
            self.gathering = True
            self._await_client()

    def _ask(self) -> None:
        """Within the client's share of the pool.

        A wait there is for the client's own other requests, so it may last as long as the route gives a service.
        """
        self.gathering = False
        exchange, upstream = self.exchange, self.upstream
        share = math.ceil(upstream.capacity * exchange.gateway.settings.client_share)
        if share >= upstream.capacity:
            # A share that is all of the pool keeps nobody out: its own line is the only one.
            self._acquire(fresh=False)
            return
        entered = upstream.shares.enter(self, share, upstream.model.max_waiting)
        if entered == "entered":
            self.counted = True
            self._acquire(fresh=False)
        elif entered == "full":
            self._busy()
        else:
            self.late = "pool"
            exchange.due = exchange.gateway.loop.time() + self.route.timeouts.first_byte

    def on_share(self) -> None:
        """From the pool's shares. Not from inside the end of the request that made room."""
        self.counted = True
        self.exchange.gateway.loop.call_soon(self._acquire_now)

    def _acquire_now(self) -> None:
        if self.counted and not self.exchange.done:
            self._acquire(fresh=False)

    def _leave(self) -> None:
        if self.counted:
            self.counted = False
            self.upstream.shares.leave(self)

    def _acquire(self, *, fresh: bool) -> None:
        """Ask a target's pool; a wait there has a limit of its own and ends in 503, a late connect in 504."""
        exchange, model = self.exchange, self.upstream.model
        if not fresh or self.target is None:
            self.target = self.upstream.choose()
        target = self.target
        if target is None:
            self._busy()
            return
        self.attempting = True
        target.began()
        now = exchange.gateway.loop.time()
        self.late = "connect"
        exchange.due = now + model.connect + 0.5
        given = target.pool.acquire(self, fresh=fresh)
        if given == "full":
            self._busy()
        elif given == "queued" and self.connection is None:
            self.late = "pool"
            exchange.due = now + model.wait

    # From the pool

    def on_connection(self, connection: Connection, *, reused: bool) -> None:
        """Send the request on it."""
        exchange = self.exchange
        if exchange.done or self.ended:
            connection.pool.release(connection)
            return
        self.connection, self.reused = connection, reused
        self.asked_at = exchange.gateway.loop.time()
        connection.begin(self, self._head())
        for piece in (*(self.kept or ()), *exchange.held):
            connection.send(self._framed(piece))
        if self.kept is not None:
            self._keep(*exchange.held)
        exchange.held.clear()
        self._await_client()
        exchange.client.resume_reading()
        if exchange.body_read:
            self.end_request()

    def on_no_connection(self, *, late: bool) -> None:
        """The upstream refuses, or does not answer, a connect."""
        self._end_attempt(Outcome.UNREACHABLE)
        if self.exchange.done:
            return
        if late:
            self._late("The service did not accept a connection in time.")
        else:
            self._broke("The service cannot be reached.")

    # The request's body

    def _head(self) -> bytes:
        exchange = self.exchange
        assert exchange.match is not None  # noqa: S101 - see __init__
        fields, peer = exchange.head.fields, exchange.client.peer
        trusted = exchange.gateway.proxies.trusts(peer)
        assert self.connection is not None  # noqa: S101 - made for one
        authority = self.connection.pool.authority
        host = exchange.head.host or authority
        hop = Hop(
            peer=peer,
            trusted=trusted,
            scheme=fields.get(b"x-forwarded-proto", b"http") if trusted else exchange.client.scheme_bytes,
            host=fields.get(b"x-forwarded-host", host) if trusted else host,
        )
        found = exchange.match
        target = found.path + b"?" + found.query if found.query else found.path
        etags = {n: plain_etags(fields[n]) for n in (b"if-match", b"if-none-match") if n in fields}
        return forwarded_head(
            exchange.head,
            target,
            hop,
            host=host if self.upstream.model.preserve_host else authority,
            request_id=exchange.request_id,
            traceparent=exchange.trace.traceparent(),
            authorization=exchange.principal.forward_as if exchange.principal else None,
            etags=etags,
        )

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self.exchange.head.chunked else data

    def _keep(self, *pieces: bytes) -> None:
        self.kept_size += sum(map(len, pieces))
        if self.kept is not None:
            if self.kept_size > _HELD:
                self.kept = None
            else:
                self.kept += pieces

    def send(self, data: bytes) -> None:
        """A piece of the body; dropped once the upstream has answered without waiting for it."""
        exchange = self.exchange
        if self.gathering:
            exchange.held.append(data)
            self._await_client()
            if exchange.bytes_in >= _HELD:
                self._ask()
                if self.connection is None and not exchange.done:
                    exchange.client.pause_reading()
        elif self.connection is not None and not self.ended:
            if self.upload_began is None:
                self.upload_began = exchange.gateway.loop.time()
            self._await_client()
            self._keep(data)
            self.connection.send(self._framed(data))

    def _await_client(self) -> None:
        """More of the body must come in time, at the least rate, and all of it within the total."""
        exchange = self.exchange
        settings, now = exchange.gateway.settings, exchange.gateway.loop.time()
        self.late = "client"
        due = min(now + settings.client_seconds, self._total())
        if self.upload_began is not None:
            due = min(due, self.upload_began + settings.upload_grace_seconds + exchange.bytes_in / settings.upload_rate)
        exchange.due = due

    def end_request(self) -> None:
        """The request is through: from now the upstream is the one to wait for."""
        if self.gathering:
            self._ask()
            return
        connection, exchange = self.connection, self.exchange
        if connection is None or connection.request_complete:
            return
        if exchange.head.chunked:
            connection.send(b"0\r\n\r\n")
        connection.request_complete = True
        now = self.asked_at = exchange.gateway.loop.time()
        self.late, patience = "first_byte", self.route.timeouts.first_byte
        if exchange.head_sent:
            self.late, patience = "idle", self.route.timeouts.idle
        exchange.due = min(now + patience, self._total())

    def _total(self) -> float:
        return float("inf") if self.route.stream else self.exchange.started + self.route.timeouts.total

    def on_upstream_full(self) -> None:
        """Back-pressure: the client is read no further."""
        self.exchange.client.pause_reading()

    def on_upstream_drained(self) -> None:
        """And is again."""
        self.exchange.client.resume_reading()

    # The answer

    def on_answer_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Interim answers pass; the final one begins the client's."""
        exchange = self.exchange
        if status < _FIRST_FINAL:
            interim = interim_head(exchange, status, headers)
            if interim is not None:
                self.out.append(interim)
            return
        self.kept = None
        self.answered_after = exchange.gateway.loop.time() - self.asked_at
        self.out.append(answer_head(exchange, AnswerHead.read(status, headers)))
        self.late = "idle"

    def on_answer_body(self, data: bytes) -> None:
        """A piece of it."""
        if self.exchange.body is not None:
            self.exchange.body.piece(data, self.out)

    def on_answer_batch(self) -> None:
        """One write for one read."""
        exchange = self.exchange
        if exchange.done:
            return
        if exchange.body is not None:
            exchange.body.flush(self.out)
        if exchange.head_sent:
            now = exchange.gateway.loop.time()
            exchange.due = min(now + self.route.timeouts.idle, self._total())
        if self.out:
            exchange.write(b"".join(self.out))
            self.out.clear()

    def on_answer_end(self) -> None:
        """The upstream is through; its connection is back in the pool or closed."""
        self.connection, self.ended = None, True
        exchange = self.exchange
        self._end_attempt(of_status(exchange.status))
        self._leave()
        if exchange.done or exchange.body is None:
            return
        exchange.body.end(self.out)
        if self.out:
            exchange.write(b"".join(self.out))
            self.out.clear()
        exchange.finish()

    def on_connection_lost(self, connection: Connection, *, answered: bool) -> None:
        """The one safe retry, or a 502, or (with the answer under way) a cut."""
        self.connection = None
        # A kept-alive connection may end just when it is used: that says nothing about the target.
        self._end_attempt(Outcome.BROKE if answered or not self.reused else Outcome.ABANDONED)
        exchange = self.exchange
        if exchange.done:
            return
        self.out.clear()
        if exchange.head_sent:
            exchange.code = "upstream_broke"
            self.ended = True
            self._leave()
            exchange.cut()
        elif self._retry(answered=answered):
            exchange.retried = True
            exchange.event("retry", upstream=self.upstream.name, connection_used=connection.used)
            self._acquire(fresh=True)
        else:
            self._broke("The service broke off.")

    def _retry(self, *, answered: bool) -> bool:
        # Only what a kept-alive connection lost before one byte came (TRAPS, forwarding 1 and 2), and only once.
        return (
            self.reused
            and not answered
            and self.kept is not None
            and not self.exchange.retried
            and self.exchange.gateway.retry_budget.retry()
        )

    # Ends

    def on_deadline(self) -> None:
        """``exchange.due`` has passed; ``late`` says who was waited for."""
        exchange = self.exchange
        exchange.event("deadline", waited_for=self.late)
        if exchange.client.flow.write_paused and exchange.head_sent:
            exchange.code = "client_stalled"
            self.cancel()
            exchange.cut()
        elif self.late == "pool":
            self._busy()
        elif self.late == "client" and not exchange.body_read:
            if self.connection is not None and self.connection.writing_blocked:
                self._late("The service did not take the body in time.")
            else:
                exchange.refuse(Refusal(408, "request_timeout", "The body took too long.", close=True))
        else:
            self._late("The service did not answer in time.")

    def cancel(self) -> None:
        """Nobody waits for the answer any more: the upstream sees the connection close."""
        self.ended, self.gathering = True, False
        if self.target is not None:
            self.target.pool.give_up(self)
        self.upstream.shares.give_up(self)
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.abandon()
        self._end_attempt(Outcome.ABANDONED)
        self._leave()

    def _end_attempt(self, outcome: Outcome) -> None:
        if self.attempting and self.target is not None:
            self.attempting = False
            self.target.ended(outcome, self.answered_after)

    def end_stream(self) -> None:
        """End an endless answer in order, so that its reader comes back elsewhere."""
        exchange = self.exchange
        if exchange.body is not None and not self.ended:
            self.cancel()
            exchange.body.end(self.out)
            exchange.write(b"".join(self.out))
            exchange.finish()

    def _busy(self) -> None:
        self.exchange.refuse(
            Refusal(503, "upstream_busy", "The service has no capacity left just now.", headers=_RETRY_SOON)
        )

    def _broke(self, detail: str) -> None:
        self.exchange.refuse(Refusal(502, "bad_gateway", detail))

    def _late(self, detail: str) -> None:
        self._end_attempt(Outcome.LATE)
        self.exchange.refuse(Refusal(504, "gateway_timeout", detail))
