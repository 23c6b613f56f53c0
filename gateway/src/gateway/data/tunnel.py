"""A WebSocket once it is open: bytes both ways, read no faster than the other side takes them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.data.answer_head import AnswerHead, status_line
from gateway.data.standing_headers import standing
from gateway.data.websocket_frames import GOING_AWAY, Frames
from gateway.data.websocket_handshake import SWITCH

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange

_SWITCHING = 101
_NONE: frozenset[bytes] = frozenset()
# How long a side that is let go may take what is still for it, and before the end of a drain how long both have.
_LINGER_SECONDS = 2.0


class End(asyncio.Protocol):
    """One side: what it sends is written to the other."""

    __slots__ = ("frames", "gone", "name", "other", "received", "transport", "tunnel")

    def __init__(self, tunnel: Tunnel, name: str, transport: asyncio.Transport) -> None:
        self.tunnel = tunnel
        self.name = name
        self.transport = transport
        self.other: End = self
        self.received = 0
        self.frames = Frames()
        self.gone = False

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self.received += len(data)
        self.tunnel.moved()
        self.frames.feed(data)
        self.other.transport.write(data)

    def pause_writing(self) -> None:
        """This side is slow: the other is read no further."""
        if not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """It caught up."""
        self.tunnel.moved()
        if not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def eof_received(self) -> None:
        """No side of a WebSocket goes on when the other has ended: the transport closes, connection_lost follows."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - either way it is over
        """The other side gets what is still for it, and the end."""
        self.gone = True
        self.tunnel.on_lost(self)

    def let_go(self) -> None:
        """Close when all is written, or when it takes too long."""
        if not self.gone:
            self.transport.close()
            self.tunnel.loop.call_later(_LINGER_SECONDS, self._abort)

    def _abort(self) -> None:
        if not self.gone:
            self.transport.abort()


class Tunnel:
    """Both ends, what ends them, and the exchange that is recorded when it is over.

    ``due`` (of the loop's clock, seconds) is the end of the idle time: a side that sends nothing, not even a ping, for
    the route's ``timeouts.idle`` while the other is silent too.
    """

    def __init__(self, exchange: Exchange, upstream: asyncio.Transport) -> None:
        assert exchange.match is not None  # noqa: S101 - only a routed request is forwarded
        self.exchange = exchange
        self.loop = exchange.gateway.loop
        self.idle = exchange.match.route.timeouts.idle
        self.due = self.loop.time() + self.idle
        self.client = End(self, "client", exchange.client.transport)
        self.upstream = End(self, "upstream", upstream)
        self.client.other, self.upstream.other = self.upstream, self.client
        self.ended_by = ""

    def begin(self, headers: list[tuple[bytes, bytes]], rest: bytes) -> None:
        """Pass the 101 and what came right behind it, and what the client sent ahead."""
        exchange = self.exchange
        exchange.status, exchange.head_sent = _SWITCHING, True
        exchange.event("websocket", outcome="open")
        gateway = exchange.gateway
        gateway.deadlines.remove(exchange)
        gateway.deadlines.add(self)
        gateway.tunnels.opened(self)
        exchange.client.transport.write(_head(exchange, headers))
        ahead = exchange.client.switch()
        self.upstream.transport.set_protocol(self.upstream)
        self.client.transport.set_protocol(self.client)
        if exchange.client.flow.write_paused:
            self.client.pause_writing()
        if rest:
            self.upstream.data_received(rest)
        if ahead:
            self.client.data_received(ahead)
        if exchange.client.draining:
            self.drain()

    def moved(self) -> None:
        """Something went through."""
        self.due = self.loop.time() + self.idle

    def on_deadline(self) -> None:
        """Nothing moved for the idle time."""
        self._end("idle")

    def drain(self) -> None:
        """The process is to stop: the tunnel has nearly all of the time there is, then is told to go away."""
        seconds = self.exchange.gateway.settings.drain_seconds - _LINGER_SECONDS - 0.5
        self.loop.call_later(max(0.0, seconds), self._end, "drain")

    def on_lost(self, end: End) -> None:
        """From an end: its connection is closed."""
        self._over(end.name)
        end.other.let_go()
        if end is self.client:
            self.exchange.client.tunnel_closed()

    def _end(self, reason: str) -> None:
        if self.ended_by:
            return
        self._over(reason)
        for end in (self.client, self.upstream):
            # Only between two frames is a frame of ours one; a client's frames are masked (section 5.1).
            if end.other.frames.between:
                end.transport.write(GOING_AWAY[end.name])
            end.let_go()

    def _over(self, reason: str) -> None:
        if self.ended_by:
            return
        self.ended_by = reason
        exchange = self.exchange
        exchange.bytes_in += self.client.received
        exchange.bytes_out += self.upstream.received
        exchange.gateway.deadlines.remove(self)
        exchange.gateway.tunnels.closed(self)
        exchange.event("websocket", outcome=reason)
        exchange.tunnel_over()


def _head(exchange: Exchange, headers: list[tuple[bytes, bytes]]) -> bytes:
    found = exchange.match
    lines = [status_line(_SWITCHING), SWITCH]
    lines += AnswerHead.read(_SWITCHING, headers).end_to_end(_NONE)
    version = found.route.version_bytes if found else b""
    lines.append(standing(exchange.request_id, exchange.trace.traceresponse(), version))
    if exchange.verdict is not None:
        lines.append(exchange.verdict.headers)
    return b"".join([*lines, b"\r\n"])
