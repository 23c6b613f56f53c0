"""One request from its head to its access-log line: the path of a request, a step a method.

route -> identity -> authorization -> limits -> forward -> answer -> record. A step goes on at once when it can and
is called back when it must wait; a refusal anywhere ends in ``refuse``.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from gateway.data import answering
from gateway.data.forwarding import Forwarding
from gateway.data.websocket_handshake import check_handshake
from gateway.identity.authorize import authorize
from gateway.problem import Refusal, problem_body
from gateway.routes.match import Match, match
from gateway.telemetry.trace_context import TraceContext

if TYPE_CHECKING:
    from gateway.cache.caching import Caching
    from gateway.data.answer_body import AnswerBody
    from gateway.data.client_connection import ClientConnection
    from gateway.data.mirror import Mirror
    from gateway.data.request_head import RequestHead
    from gateway.data.tunnel import Tunnel
    from gateway.identity.principal import Principal
    from gateway.limits.streams import Holder
    from gateway.limits.verdict import Verdict
    from gateway.runtime import Gateway
    from gateway.telemetry.otlp import Event

log = structlog.stdlib.get_logger(__name__)

HELD_BODY = 65536
_NO_LIMIT = float("inf")


class Exchange:
    """State of one request and its answer. Made by the client's connection, which calls ``begin`` at its turn."""

    # Whether there is a client for whom metrics, access log and trace tell of it.
    told = True

    __slots__ = (
        "address",
        "body",
        "body_read",
        "bytes_in",
        "bytes_out",
        "caching",
        "client",
        "code",
        "cors",
        "done",
        "due",
        "early",
        "events",
        "forwarding",
        "gateway",
        "head",
        "head_sent",
        "held",
        "keep_alive",
        "match",
        "method",
        "mirror",
        "path",
        "principal",
        "query",
        "request_id",
        "retried",
        "started",
        "started_ns",
        "status",
        "stream",
        "target",
        "trace",
        "tunnel",
        "turn",
        "verdict",
        "websocket",
    )

    def __init__(
        self, gateway: Gateway, client: ClientConnection, head: RequestHead, method: bytes, target: bytes
    ) -> None:
        self.gateway = gateway
        self.client = client
        self.head = head
        self.method = method
        self.target = target
        self.path = target
        self.query = b""
        self.started = gateway.loop.time()
        self.started_ns = time.time_ns()
        fields = head.fields
        self.trace = trace = TraceContext(fields.get(b"traceparent"), gateway.settings.trace_ratio)
        # What happened, for the server span; None where it is not sampled.
        self.events: list[Event] | None = [] if trace.sampled else None
        self.request_id = head.request_id or trace.trace_id
        self.address = client.address or gateway.proxies.client(client.peer, fields.get(b"x-forwarded-for"))
        self.early: Refusal | None = None
        self.match: Match | None = None
        self.principal: Principal | None = None
        self.verdict: Verdict | None = None
        # A limit that queues lets it go on later.
        self.turn: asyncio.TimerHandle | None = None
        self.caching: Caching | None = None
        self.forwarding: Forwarding | None = None
        self.stream: Holder | None = None
        self.body: AnswerBody | None = None
        # Header lines that tell a browser whether a page of another origin may read the answer.
        self.cors = b""
        self.mirror: Mirror | None = None
        # A handshake that the route takes, and what it became.
        self.websocket = False
        self.tunnel: Tunnel | None = None
        # The request's body: what waits for an upstream, and whether the end has been read.
        self.held: list[bytes] = []
        self.bytes_in = 0
        self.body_read = not head.body_expected
        self.bytes_out = 0
        self.status = 0
        self.code = ""
        self.retried = False
        self.head_sent = False
        self.done = False
        self.keep_alive = head.keep_alive
        self.due = self.started + gateway.settings.client_seconds

    # The steps

    def begin(self) -> None:
        """The turn has come: earlier requests of this connection are answered."""
        self.gateway.deadlines.add(self)
        try:
            self._route()
        except Refusal as refusal:
            self.refuse(refusal)
        except Exception as error:  # noqa: BLE001 - said and logged by on_fault
            self.on_fault(error)

    def on_fault(self, fault: Exception) -> None:
        """A step of ours broke: said at once, for an unanswered client would wait for its deadline."""
        log.error("step_failed", path=self.path.decode("latin-1"), exc_info=fault)
        try:
            self.refuse(Refusal(500, "internal_error", "Something broke on our side."))
        except Exception:
            log.exception("refusal_failed", path=self.path.decode("latin-1"))
            self.client.transport.abort()

    def _route(self) -> None:
        if self.early is not None:
            raise self.early
        admission = self.gateway.table.admission
        if admission is not None:
            admission.admit(self)
        self.match = found = self.find(self.method)
        route = found.route
        if self.events is not None:
            self.event("route", route=route.name, version=route.version or 0, upstream=found.upstream)
        if route.admission is not None:
            route.admission.admit(self)
        if route.sunset is not None and time.time() >= route.sunset.ends:
            raise Refusal(410, "version_gone", "This version was taken out of service; see the Link header.")
        if route.redirect is not None:
            raise route.redirect.refusal(found)
        if route.rewrite is not None:
            self.match = found = replace(found, path=route.rewrite.path(found), public=found.path)
        if (self.head.content_length or 0) > route.max_body:
            raise too_large()
        if route.origins is not None and self.head.websocket:
            check_handshake(self.head, route.origins)
            self.websocket = True
        self.gateway.identity.identify(self, route.identity)

    def find(self, method: bytes) -> Match:
        """The route of this request, were it of this method. Raises Refusal."""
        head = self.head
        return match(
            self.gateway.table, method, self.path, self.query, head.fields.get(b"accept"), head.host, head.headers
        )

    def on_identity(self, outcome: Principal | Refusal | None) -> None:
        """From identity: who it is, None for nobody in particular, or why not."""
        if self.done or self.match is None:
            return
        try:
            if isinstance(outcome, Refusal):
                self.early = outcome
            else:
                self.principal = outcome
                self.early = authorize(self.match.route, outcome)
                if self.match.route.split is not None:
                    self.match.route.split.choose(self)
            if self.events is not None:
                self.event("identity", outcome=self.early.code if self.early else "known" if outcome else "anonymous")
            # A refused request is counted too: guessing tokens must not be free.
            self.gateway.limiter.check(self)
        except Exception as error:  # noqa: BLE001 - said and logged by on_fault
            self.on_fault(error)

    def on_verdict(self, verdict: Verdict) -> None:
        """From the limiter."""
        if self.done:
            return
        self.verdict = verdict
        try:
            if self.events is not None:
                self.event("limit", outcome=verdict.outcome)
            refusal = verdict.refusal or self.early
            if refusal is not None:
                self.refuse(refusal)
            elif verdict.delay:
                self.event("queued", seconds=f"{verdict.delay:.6f}")
                self.turn = self.gateway.loop.call_later(verdict.delay, self._on_turn)
            else:
                self._forward()
        except Refusal as refusal:
            self.refuse(refusal)
        except Exception as error:  # noqa: BLE001 - said and logged by on_fault
            self.on_fault(error)

    def _on_turn(self) -> None:
        self.turn = None
        self.fetch()

    def fetch(self) -> None:
        """Go on: its turn has come, or what it waited for in the cache is of no use to it."""
        try:
            self._forward()
        except Refusal as refusal:
            self.refuse(refusal)
        except Exception as error:  # noqa: BLE001 - said and logged by on_fault
            self.on_fault(error)

    def _forward(self) -> None:
        assert self.match is not None  # noqa: S101 - only a routed request comes here
        kept = self.match.route.cache is not None and self.caching is None and not self.websocket
        if kept and self.gateway.cache.begin(self):
            return
        if self.websocket or self.match.route.stream:
            self.stream = self.gateway.streams.take(self)
        self.forwarding = Forwarding(self)
        if self.match.route.mirror is not None:
            self.mirror = self.gateway.mirrors.begin(self, self.forwarding, self.match.route.mirror)
        self.forwarding.begin()

    # The request's body

    def on_body(self, data: bytes) -> None:
        """A piece from the client, counted as it flows (SCG#3843)."""
        self.bytes_in += len(data)
        if self.done:
            return
        if self.mirror is not None:
            self.mirror.piece(data)
        if self.match is not None and self.bytes_in > self.match.route.max_body:
            self.refuse(too_large())
        elif self.forwarding is not None and self.forwarding.sending:
            self.forwarding.send(data)
        else:
            self.held.append(data)
            if self.bytes_in > HELD_BODY:
                self.client.pause_reading()

    def on_body_end(self) -> None:
        """The client has sent all of it."""
        self.body_read = True
        if self.mirror is not None:
            self.mirror.end()
        if not self.done and self.forwarding is not None:
            self.forwarding.end_request()

    # The answer

    def refuse(self, refusal: Refusal) -> None:
        """Answer with a problem document, or cut the answer short when one has begun."""
        if self.done or (self.caching is not None and self.caching.on_refused(refusal)):
            return
        self.code = refusal.code
        if self.forwarding is not None:
            self.forwarding.cancel()
        if self.head_sent:
            self.cut()
            return
        body = b""
        if refusal.status >= 400:  # noqa: PLR2004 - the answer to OPTIONS and a redirect have no body
            body = problem_body(refusal, self.target, self.trace.trace_hex)
        if refusal.close or not self.body_read or self.client.draining:
            self.keep_alive = False
        self.write(answering.refusal_head(self, refusal, len(body)))
        if self.method != b"HEAD" and body:
            self.write(body)
        self.finish()

    def write(self, data: bytes) -> None:
        """Bytes for the client."""
        self.bytes_out += len(data)
        self.client.transport.write(data)

    def cut(self) -> None:
        """The answer cannot be finished: the client must see that it is short."""
        self._record()
        self.client.transport.abort()

    def finish(self) -> None:
        """The answer is whole."""
        if not self.done:
            self._record()
            self.client.turn_done(self)

    def tunnel_over(self) -> None:
        """From the tunnel, which closes its connections by itself."""
        if not self.done:
            self._record()

    def on_client_lost(self) -> None:
        """The client hung up: so does the gateway, and the service can stop (SCG#1751, yarp#461)."""
        if not self.done:
            if self.forwarding is not None:
                self.forwarding.cancel()
            self.status, self.code = 499, self.code or "client_closed_request"
            self._record()

    def on_deadline(self) -> None:
        """From the sweep over all that is in flight."""
        try:
            self._late()
        except Exception as error:  # noqa: BLE001 - said and logged by on_fault
            self.on_fault(error)

    def _late(self) -> None:
        if self.caching is not None and self.caching.on_late():
            return
        if self.forwarding is not None:
            self.forwarding.on_deadline()
        elif not self.body_read and self.match is None:
            self.refuse(Refusal(408, "request_timeout", "The request took too long.", close=True))
        else:
            self.refuse(Refusal(503, "too_busy", "The request waited too long.", headers=((b"retry-after", b"1"),)))

    def on_draining(self) -> None:
        """The process is to stop: an endless stream ends now, everything else is finished.

        An answer whose head is out has told the client that the connection stays: it does for a while.
        """
        self.keep_alive = self.keep_alive and self.head_sent
        if self.tunnel is not None:
            self.tunnel.drain()
        elif self.forwarding is not None and self.match is not None and self.match.route.stream:
            self.forwarding.end_stream()

    def event(self, name: str, **attributes: str | int) -> None:
        """A decision, as an event of the server span."""
        if self.events is not None:
            self.events.append((name, time.time_ns(), attributes))

    def _record(self) -> None:
        self.done = True
        self.held.clear()
        self.due = _NO_LIMIT
        self.gateway.deadlines.remove(self)
        if self.turn is not None:
            self.turn.cancel()
        if self.caching is not None:
            self.caching.on_over()
        if self.mirror is not None:
            self.mirror.leave()
        stream, self.stream = self.stream, None
        if stream is not None:
            self.gateway.streams.release(stream)
        try:
            if self.told:
                self.gateway.record(self)
        except Exception:
            # The answer is out: what cannot be written down must not take its connection.
            log.exception("record_failed", path=self.path.decode("latin-1"))


def too_large() -> Refusal:
    """413; the rest of the body is not read, so the connection ends."""
    return Refusal(413, "body_too_large", "The body is larger than this path takes.", close=True)
