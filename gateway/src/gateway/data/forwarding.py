"""The upstream half of an exchange: which attempts there are, how long each may take, and what a failure becomes."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from gateway.data.attempt import Attempt
from gateway.data.client_address import limit_key
from gateway.data.forwarded_head import connection_names, forwarded_section
from gateway.data.hedge import Hedge
from gateway.data.retrying import Retrying
from gateway.data.trailers import ASKED, takes_trailers
from gateway.data.upload import Upload
from gateway.data.websocket_handshake import SWITCH
from gateway.problem import Refusal
from gateway.routes.time_left import time_left
from gateway.upstream.outcome import Outcome

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.upstream.connection import Connection
    from gateway.upstream.pool import Pool
    from gateway.upstream.target import Target

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"})
_NO_LIMIT = float("inf")
_HEDGED = frozenset({b"GET", b"HEAD"})
_RETRY_SOON = ((b"retry-after", b"1"),)


class Forwarding:
    """Makes the attempts of one exchange."""

    __slots__ = (
        "_retrying",
        "attempt",
        "client_key",
        "counted",
        "ends",
        "exchange",
        "hedge",
        "late",
        "method",
        "route",
        "started_ns",
        "ticket",
        "upload",
        "upstream",
    )

    def __init__(self, exchange: Exchange) -> None:
        assert exchange.match is not None  # noqa: S101 - only a routed request is forwarded
        self.exchange = exchange
        self.method = exchange.method
        self.route = exchange.match.route
        self.upstream = exchange.gateway.upstreams[exchange.match.upstream]
        self.client_key = limit_key(exchange.address)
        # When all of it must be over, in the loop's time.
        self.ends = _NO_LIMIT if self.route.stream else exchange.started + self.route.timeouts.total
        # Kept for those that may not be repeated too: a service may say that it has not taken it.
        self.upload = Upload(self, keep=not exchange.head.expects_continue) if exchange.head.body_expected else None
        self.attempt: Attempt | None = None
        self.hedge: Hedge | None = None
        self._retrying: Retrying | None = None
        # Whether the client's share of the pool counts this request.
        self.counted = False
        # From the upstream's admission, where it is asked.
        self.ticket = 0
        self.started_ns = time.time_ns()
        self.late = "connect"

    @property
    def connection(self) -> Connection | None:
        """The one the request is on, and its answer comes from."""
        attempt = self.attempt
        return attempt.connection if attempt is not None and not attempt.over else None

    @property
    def sending(self) -> bool:
        """Whether pieces of the body are for ``send``; else they wait for the upstream's connection."""
        upload = self.upload
        return upload is not None and (upload.gathering or self.connection is not None)

    def may_repeat(self) -> bool:
        """Whether the request does no harm when it is sent twice (TRAPS, forwarding 2)."""
        head = self.exchange.head
        # A key that Connection names ends here: the service would not know the repetition for one.
        if b"idempotency-key" in head.fields and b"idempotency-key" not in connection_names(
            head.fields.get(b"connection")
        ):
            return not head.expects_continue
        return self.method in _IDEMPOTENT and not head.body_expected

    def begin(self) -> None:
        """Take the body, or the first of it, before a connection that others could use meanwhile."""
        self.upstream.retry_budget.request()
        if self.upload is None or self.upload.begin():
            self.ask()

    def ask(self) -> None:
        """Within the client's share of the pool.

        A wait there is for the client's own other requests, so it may last as long as the route gives a service.
        """
        exchange, upstream = self.exchange, self.upstream
        if self.upload is not None:
            self.upload.gathering = False
        share = math.ceil(upstream.capacity * exchange.gateway.settings.client_share)
        if share >= upstream.capacity:
            # A share that is all of the pool keeps nobody out: its own line is the only one.
            self._enter()
            return
        entered = upstream.shares.enter(self, share, upstream.model.max_waiting)
        if entered == "entered":
            self.counted = True
            self._enter()
        elif entered == "full":
            self._busy()
        else:
            self.late = "pool"
            exchange.due = exchange.gateway.loop.time() + self.route.timeouts.first_byte

    def on_share(self) -> None:
        """From the pool's shares. Not from inside the end of the request that made room."""
        self.counted = True
        self.exchange.gateway.loop.call_soon(self._try_now)

    def _try_now(self) -> None:
        if self.counted and not self.exchange.done:
            self._enter()

    def _enter(self) -> None:
        """With what the upstream lets in at all (breaker, overload, streams); its refusals cost next to nothing."""
        upstream, route, exchange = self.upstream, self.route, self.exchange
        if route.stream or upstream.admission.watches:
            found = upstream.admission.enter(route.rank, exchange.gateway.loop.time(), stream=route.stream)
            if isinstance(found, Refusal):
                exchange.event("admission", upstream=upstream.name, outcome=found.code)
                exchange.refuse(found)
                return
            self.ticket = found
        self._try()

    def leave(self) -> None:
        """The upstream's place and the client's share of the pool are given back."""
        ticket, self.ticket = self.ticket, 0
        if ticket:
            now, attempt = self.exchange.gateway.loop.time(), self.attempt
            outcome, seconds = Outcome.ABANDONED, 0.0
            if attempt is not None and attempt.outcome is not None:
                outcome = attempt.outcome
                seconds = attempt.answered_after or (now - attempt.asked_at if attempt.asked_at else 0.0)
            self.upstream.admission.leave(ticket, outcome, seconds, now, stream=self.route.stream)
        if self.counted:
            self.counted = False
            self.upstream.shares.leave(self)

    def _try(self) -> None:
        target = self.upstream.choose()
        if target is None:
            self._busy()
        else:
            self.attempt_at(target, fresh=False)

    def attempt_at(self, target: Target, *, fresh: bool) -> None:
        """Ask the target's pool, ``fresh`` for a connection that no earlier request used.

        A wait there has a limit of its own and ends in 503, a late connect in 504.
        """
        exchange, model = self.exchange, self.upstream.model
        now = exchange.gateway.loop.time()
        self.late = "connect"
        exchange.due = now + model.connect + 0.5
        self.attempt = attempt = Attempt(self, target)
        given = target.pool.acquire(attempt, fresh=fresh)
        if given == "full":
            self._busy()
        elif given == "queued" and attempt.connection is None:
            self.late = "pool"
            exchange.due = now + model.wait

    # The request

    def head(self, pool: Pool) -> bytes:
        """The request's head for a connection of ``pool``."""
        exchange = self.exchange
        found, principal = exchange.match, exchange.principal
        assert found is not None  # noqa: S101 - see __init__
        head = exchange.head if exchange.caching is None else exchange.caching.asked(exchange.head)
        host = (self.upstream.model.preserve_host and head.host) or pool.authority
        authorization = principal.forward_as if principal is not None else None
        return b"%b %b HTTP/1.1\r\n%bx-request-id: %b\r\ntraceparent: %b\r\n%b%b\r\n" % (
            self.method,
            found.path + b"?" + found.query if found.query else found.path,
            forwarded_section(head, exchange.client.hop, host, authorization, found.route.request_headers),
            exchange.request_id,
            exchange.trace.traceparent(),
            self._patience(),
            SWITCH if exchange.websocket else ASKED if b"te" in head.fields and takes_trailers(head) else b"",
        )

    def _patience(self) -> bytes:
        """What the service learns of the time it has: until its answer must have begun, or all be over."""
        exchange = self.exchange
        left = self.ends - exchange.gateway.loop.time()
        if exchange.body_read and left >= self.route.timeouts.first_byte:
            return self.route.patience
        # Of a stream whose body still comes nobody knows.
        return b"" if left == _NO_LIMIT else time_left(left)

    def on_head_sent(self, attempt: Attempt, connection: Connection) -> None:
        """The head is out; the body, if there is one, follows."""
        if attempt is not self.attempt:
            # The second of a request that is through with the first.
            connection.request_complete = True
            attempt.asked_at = self.exchange.gateway.loop.time()
            return
        if self.upload is not None:
            attempt.asked_at = self.exchange.gateway.loop.time()
            self.upload.send_all(connection)
        if self.exchange.body_read:
            self.end_request()

    def send(self, data: bytes) -> None:
        """A piece of the body."""
        if self.upload is not None:
            self.upload.piece(data)

    def end_request(self) -> None:
        """The request is through: from now the upstream is the one to wait for."""
        upload = self.upload
        if upload is not None and upload.gathering:
            self.ask()
            return
        attempt, exchange = self.attempt, self.exchange
        connection = attempt.connection if attempt is not None else None
        if attempt is None or connection is None or connection.request_complete:
            return
        if upload is not None:
            upload.end(connection)
        connection.request_complete = True
        now = attempt.asked_at = exchange.gateway.loop.time()
        self.late, patience = "first_byte", self.route.timeouts.first_byte
        if exchange.head_sent:
            self.late, patience = "idle", self.route.timeouts.idle
        exchange.due = min(now + patience, self.ends)
        if self.route.hedging is not None and self.hedge is None and self.method in _HEDGED:
            self.hedge = None if upload is not None or exchange.websocket else Hedge(self)

    # Failures of an attempt

    def retrying(self) -> Retrying:
        """Made at the first failure."""
        if self._retrying is None:
            self._retrying = Retrying(self)
        return self._retrying

    def accepts(self, attempt: Attempt, status: int, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether an answer of trouble, or one of two, is the client's; else there is to be another."""
        hedge = self.hedge
        if hedge is not None and not hedge.accepts(attempt, status):
            return False
        return not self.route.retries.statuses or not self.retrying().after_status(attempt, status, headers)

    def _goes_on_without(self, attempt: Attempt) -> bool:
        return self.hedge is not None and self.hedge.goes_on_without(attempt)

    def on_unreachable(self, attempt: Attempt, *, late: bool) -> None:
        """No connection could be made."""
        if self._goes_on_without(attempt) or self.retrying().after_unreachable(attempt):
            return
        if late:
            self._late("The service did not accept a connection in time.")
        else:
            self._broke("The service cannot be reached.")

    def on_lost(self, attempt: Attempt, *, answered: bool, unsent: bool) -> None:
        """The connection ended before the head of the answer was there; ``unsent``: before the request had left."""
        if self._goes_on_without(attempt):
            return
        retrying = self.retrying()
        if not (unsent and retrying.after_not_taken(attempt)) and not retrying.after_loss(attempt, answered=answered):
            self._broke("The service broke off.")

    def takes_back(self, attempt: Attempt, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether a 408 means that the service ends an idle connection, and the request is to go on a new one."""
        closes = any(name == b"connection" and value.lower() == b"close" for name, value in headers)
        return closes and self.hedge is None and self.retrying().after_not_taken(attempt)

    def on_wrong_protocol(self) -> None:
        """It switched to what was not asked for."""
        self._broke("The service answered another handshake.")

    # Ends

    def on_deadline(self) -> None:
        """``exchange.due`` has passed; ``late`` says who was waited for."""
        exchange, connection = self.exchange, self.connection
        exchange.event("deadline", waited_for=self.late)
        if exchange.client.flow.write_paused and exchange.head_sent:
            exchange.code = "client_stalled"
            self.cancel()
            exchange.cut()
        elif self.late == "pool":
            self._busy()
        elif self.late == "client" and not exchange.body_read:
            if connection is not None and connection.writing_blocked:
                self._late("The service did not take the body in time.")
            else:
                exchange.refuse(Refusal(408, "request_timeout", "The body took too long.", close=True))
        elif not self._silent():
            self._late("The service did not answer in time.")

    def _silent(self) -> bool:
        """Whether a service that has not begun to answer is asked once more."""
        attempt = self.attempt
        if self.late != "first_byte" or attempt is None or not self.retrying().after_silence(attempt):
            return False
        if self.hedge is not None:
            self.hedge.cancel()
        attempt.tell(Outcome.LATE)
        attempt.abandon()
        return True

    def cancel(self) -> None:
        """Nobody waits for the answer any more: the upstream sees the connection close."""
        if self.upload is not None:
            self.upload.gathering = False
        self.upstream.shares.give_up(self)
        if self._retrying is not None:
            self._retrying.cancel()
        if self.hedge is not None:
            self.hedge.cancel()
        if self.attempt is not None:
            self.attempt.abandon()
        self.leave()

    def end_stream(self) -> None:
        """End an endless answer in order, so that its reader comes back elsewhere."""
        exchange, attempt = self.exchange, self.attempt
        if exchange.body is not None and attempt is not None and not attempt.over:
            self.cancel()
            exchange.body.end(attempt.out)
            exchange.write(b"".join(attempt.out))
            exchange.finish()

    def _busy(self) -> None:
        self.exchange.refuse(
            Refusal(503, "upstream_busy", "The service has no capacity left just now.", headers=_RETRY_SOON)
        )

    def _broke(self, detail: str) -> None:
        self.exchange.refuse(Refusal(502, "bad_gateway", detail))

    def _late(self, detail: str) -> None:
        if self.attempt is not None:
            self.attempt.tell(Outcome.LATE)
        self.exchange.refuse(Refusal(504, "gateway_timeout", detail))
