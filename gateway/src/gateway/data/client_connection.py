"""One client connection: parses requests, lets them take their turns, hands each to the plane it belongs to.

A subclass of uvicorn's protocol: a path of the gateway's own falls through to it and the FastAPI app; all the rest
becomes an Exchange. Both kinds stand in one queue, so pipelined requests are answered in order.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

from gateway.data.canonical_path import check_canonical, read_target, split_target
from gateway.data.exchange import Exchange
from gateway.data.forwarded_head import hop_of
from gateway.data.known_heads import MAX_SECTION, Bare
from gateway.data.ordered_flow import OrderedFlow
from gateway.data.request_head import RequestHead, check_authority, check_version
from gateway.data.standing_headers import standing
from gateway.data.unread_answer import UnreadAnswer
from gateway.data.websocket_handshake import asks_for_websocket
from gateway.problem import Refusal

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

    from gateway.runtime import Gateway

MAX_TARGET = 8192
MAX_HEADERS = 32768
MAX_HEADER_COUNT = 128
_MAX_QUEUED = 64
# What the parser gets at a time: between two bodies so little that few requests are in it, in a chunked body more.
_HEADS_PIECE = 4096
_CHUNKS_PIECE = 16384
_MAX_UNREAD = 65536
_LINGER_SECONDS = 2.0
_LAST_CHANCE_SECONDS = 1.0
_CHUNK_LINES = 16
_MAX_KNOWN = MAX_TARGET + MAX_SECTION
_REQUEST_LINE = re.compile(rb"(GET|HEAD|DELETE|OPTIONS) (/[!-~]{0,%d}) HTTP/1\.1" % (MAX_TARGET - 1))

_NO_HEADERS: list[tuple[bytes, bytes]] = []
# Uvicorn's own line, which ours replaces.
_NO_PIPELINE: deque[Any] = deque()
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\ncontent-length: 0\r\n"


class ControlTurn:
    """A request of the control plane that waits for its turn."""

    def __init__(self, client: ClientConnection, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.client = client
        self.cycle = cycle
        self.app = app

    def begin(self) -> None:
        """Hand it to the FastAPI app."""
        self.client.start_control(self.cycle, self.app)


class ClientConnection(HttpToolsProtocol):
    """See the module.

    Ten thousand of them lie idle in a worker, so what is ours stands in slots (the base's few names then share the
    keys of their dicts), and what an idle one does not need is made when it is needed.
    """

    __slots__ = (
        "_active",
        "_admitted",
        "_at_start",
        "_head_timer",
        "_header_bytes",
        "_heads",
        "_ignoring",
        "_in_head",
        "_loose",
        "_plain",
        "_reading",
        "_refused",
        "_replaying",
        "_stopped",
        "_turns",
        "_unread",
        "address",
        "draining",
        "gateway",
        "hop",
        "peer",
        "scheme_bytes",
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.gateway: Gateway = self.app_state["gateway"]
        # Strict again: what follows "Connection: close" is no request (uvicorn is lenient there).
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self.peer = ""
        self.scheme_bytes = b"http"
        self.hop = hop_of("", False, b"http")
        self.address = ""
        self.draining = self.gateway.draining
        self.pipeline = _NO_PIPELINE
        self._turns: list[Exchange | ControlTurn] = []
        self._admitted = False
        self._header_bytes = 0
        self._active: Exchange | ControlTurn | None = None
        self._reading: Exchange | ControlTurn | None = None
        self._in_head = False
        # Bytes that the parser gets later: behind a full line of requests, or behind a handshake that is undecided.
        self._unread = b""
        self._stopped = False
        # Bytes read since the head or the body last got on by them: a head, chunk extensions, trailers, blank lines.
        self._loose = 0
        self._refused: Refusal | None = None
        self._ignoring = False
        self._replaying = False
        # Whether the parser is known to be where a message begins.
        self._at_start = True
        # The head of the request just read, where another may have the same.
        self._plain: RequestHead | None = None
        self._heads = 0
        self._head_timer: asyncio.TimerHandle | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn's
        """A new client; it has as long as a kept-alive one to send its first request."""
        self.connections.add(self)
        self.transport = transport
        self.flow = OrderedFlow(transport, self)
        address = get_remote_addr(transport)
        self.peer = address[0] if address else ""
        self.scheme = "https" if is_ssl(transport) else "http"
        self.scheme_bytes = b"https" if self.scheme == "https" else b"http"
        trusted = self.gateway.proxies.trusts(self.peer)
        self.hop = hop_of(self.peer, trusted, self.scheme_bytes)
        # The client's own, unless it is a proxy that may speak for others.
        self.address = "" if trusted else self.peer
        self._admitted = self.gateway.connections.admit(self.peer)
        if self._admitted:
            self.gateway.connections.idle(self)
        else:
            self._turn_away()

    def _turn_away(self) -> None:
        """Too many: said without reading a byte. Who has sent one already may see a reset instead of it."""
        self._ignoring = True
        self.transport.write(_TOO_MANY + standing(b"%032x" % random.getrandbits(128), b"", b"") + b"\r\n")
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The hang-up reaches whatever was under way."""
        active, self._active = self._active, None
        self._ignoring = True
        self._turns.clear()
        self._stop_head_timer()
        if self._admitted:
            self._admitted = False
            self.gateway.connections.left(self.peer)
        if isinstance(active, Exchange):
            active.on_client_lost()
        elif active is not None:
            active.cycle.disconnected = True
            active.cycle.message_event.set()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    @property
    def waits(self) -> bool:
        """Whether there is enough to do without reading more."""
        return bool(self._turns) or (self._stopped and len(self._unread) > _MAX_UNREAD)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, a piece at a time, so that a read full of small requests waits as bytes.

        A request whose headers have come before, here or elsewhere, is known already.
        """
        missed: Bare | None = None
        if self._at_start and len(data) <= _MAX_KNOWN and not (self._ignoring or self._stopped):
            start = data.find(b"\r\n")
            line = _REQUEST_LINE.fullmatch(data, 0, start) if start > 0 else None
            if line is not None:
                head = self.gateway.known_heads.find(data[start:])
                if isinstance(head, tuple):
                    missed = head
                elif self._repeat(head, line[1], line[2]):
                    return
        if self._stopped:
            self._hold(data)
        elif len(data) <= _HEADS_PIECE or self._in_sized_body(len(data)):
            self._feed(data, missed)
        else:
            at = 0
            while at < len(data) and not self._ignoring:
                if self._stopped or len(self._turns) >= _MAX_QUEUED:
                    self._stopped = True
                    self._hold(data[at:])
                    return
                size = _HEADS_PIECE if self._reading is None else _CHUNKS_PIECE
                self._feed(data[at : at + size])
                at += size

    def _repeat(self, head: RequestHead, method: bytes, target: bytes) -> bool:
        """Begin a request with a known head; False where it is the control plane's.

        The parser is between two messages and stays there: it took these very bytes for a whole request before.
        """
        try:
            path, query = read_target(target)
        except Refusal:
            # Also one that ends in a slash, which some tables take.
            return False
        if self.gateway.owns(path):
            return False
        if self._turns:
            self._await_reader()
        self.gateway.connections.busy(self)
        exchange = Exchange(self.gateway, self, head, method, target)
        exchange.path, exchange.query = path, query
        self._queue(exchange)
        return True

    def _in_sized_body(self, size: int) -> bool:
        reading = self._reading
        return isinstance(reading, Exchange) and (reading.head.content_length or 0) - reading.bytes_in >= size

    def _hold(self, data: bytes) -> None:
        if self._ignoring:
            return
        self._unread += data
        if len(self._unread) > _MAX_UNREAD:
            self.pause_reading()

    def _read_on(self) -> None:
        """What was held is parsed, once all before it is answered."""
        if self._active is None and self._stopped:
            self._stopped = False
            unread, self._unread = self._unread, b""
            self.resume_reading()
            self.data_received(unread)

    def _feed(self, data: bytes, missed: Bare | None = None) -> None:
        """Feed the parser; turn what it refuses into an answer. ``missed`` is all of ``data`` but a request line."""
        if self._ignoring:
            return
        between = not self._in_head and self._reading is None
        heads, self._at_start = self._heads, False
        self._loose += len(data)
        self._plain = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._after_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._unparsable()
            return
        plain, self._plain = self._plain, None
        if self._loose > (MAX_TARGET + MAX_HEADERS if self._in_head else MAX_HEADERS):
            self._refused = _headers_too_large()
            self._unparsable()
        elif between and self._heads == heads + 1 and plain is not None:
            # Nothing stands behind its head, not even the beginning of a blank line.
            self._at_start = data.find(b"\r\n\r\n") + 4 == len(data)
            if missed is not None and self._at_start:
                self.gateway.known_heads.learn(missed, plain)
        elif self._in_head and self._head_timer is None:
            self._head_timer = self.loop.call_later(self.gateway.settings.client_seconds, self._head_late)

    # A WebSocket

    def switch(self) -> bytes:
        """The transport is the tunnel's from here on; what the client sent ahead of the 101 is returned."""
        self._unset_keepalive_if_required()
        ahead, self._unread = self._unread, b""
        self._ignoring = True
        self.flow.resume_reading()
        return ahead

    def tunnel_closed(self) -> None:
        """From the tunnel, which has the transport's callbacks."""
        self.connection_lost(None)

    def pause_writing(self) -> None:
        """The client is slow: stop reading the upstream it is answered from."""
        super().pause_writing()
        connection = self._upstream()
        if connection is not None:
            connection.pause()

    def resume_writing(self) -> None:
        """It caught up."""
        super().resume_writing()
        connection = self._upstream()
        if connection is not None:
            connection.resume()
        elif self._active is None and self._turns:
            self._unset_keepalive_if_required()
            self.loop.call_soon(self._begin_next)

    def _upstream(self) -> Any:
        active = self._active
        return active.forwarding.connection if isinstance(active, Exchange) and active.forwarding else None

    def pause_reading(self) -> None:
        """Back-pressure on the client."""
        if not self.transport.is_closing():
            self.flow.pause_reading()

    def resume_reading(self) -> None:
        """Enough room again, unless requests wait in line."""
        if not self.transport.is_closing():
            self.flow.resume_reading()

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """A request begins. The ASGI scope is made only if it turns out to be the control plane's."""
        if self._replaying:
            return
        if self._ignoring:
            # The connection is to close; what was sent along with the last request is none.
            raise Refusal(400, "bad_request", "")
        # Only now: blank lines between requests are no request, and the idle time runs on.
        self._unset_keepalive_if_required()
        self._await_reader()
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = True
        self._heads += 1
        # What stands before it in the same read is not the head's; what follows in it is bounded by the read.
        self._loose = 0
        self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the request target."""
        if self._replaying:
            return
        self.url += url
        if len(self.url) > MAX_TARGET:
            self._refused = Refusal(414, "target_too_long", "The request target is too long.", close=True)
            raise self._refused

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; one after the body is a trailer and is dropped."""
        if not self._in_head:
            return
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > MAX_HEADERS or len(self.headers) >= MAX_HEADER_COUNT:
            self._refused = _headers_too_large()
            raise self._refused
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Decide which plane the request belongs to and let it queue."""
        if self._replaying:
            return
        self._in_head = False
        self._loose = 0
        self._stop_head_timer()
        self._unset_keepalive_if_required()
        version = self.parser.get_http_version()
        head = RequestHead(self.headers, http11=version == "1.1", keep_alive=self.parser.should_keep_alive())
        refusal, path, query, authority = None, self.url, b"", None
        try:
            check_version(version)
            head.check()
            path, query, authority = split_target(self.url)
            if authority is not None:
                head.host = check_authority(authority)
            check_canonical(path, slash=self.gateway.table.slashes)
            head.websocket = self.parser.should_upgrade() and asks_for_websocket(self.parser.get_method(), head)
        except Refusal as found:
            refusal = found
        if refusal is None and self.gateway.owns(path):
            self._queue_control(head, path, query)
            return
        exchange = Exchange(self.gateway, self, head, self.parser.get_method(), self.url)
        exchange.early, exchange.path, exchange.query = refusal, path, query
        if refusal is None and authority is None and head.keep_alive and not head.body_expected:
            self._plain = None if self.parser.should_upgrade() else head
        self._reading = exchange
        self._queue(exchange)

    def on_body(self, body: bytes) -> None:
        """A piece of the body of the request that is being read."""
        # A piece may bring a chunk's own lines with it, but not much more of them than of the body.
        self._loose = max(0, self._loose - 2 * len(body) - _CHUNK_LINES)
        if isinstance(self._reading, Exchange):
            self._reading.on_body(body)
        elif self._reading is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has been read to its end."""
        if self._replaying or (self.parser.should_upgrade() and self._has_body()):
            return
        reading, self._reading = self._reading, None
        if isinstance(reading, Exchange):
            reading.on_body_end()
        elif reading is not None:
            super().on_message_complete()

    def _has_body(self) -> bool:
        reading = self._reading
        return reading is not None and any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
            for name, value in self.headers
        )

    def _after_upgrade(self, rest: bytes) -> None:
        """No protocol is switched to (RFC 9110 section 7.8 lets a server ignore Upgrade): read on as HTTP/1.1.

        The parser took the body for the new protocol's bytes, so it is fed again behind a head without Upgrade.
        """
        if self._has_body() and not self._ignoring:
            kept = (b"transfer-encoding", b"content-length")
            lines = [n + b": " + v + b"\r\n" for n, v in self.headers if n in kept]
            self.parser = httptools.HttpRequestParser(self)
            self._replaying = True
            self.parser.feed_data(b"POST / HTTP/1.1\r\nhost: x\r\n" + b"".join(lines) + b"\r\n")
            self._replaying = False
        if self._active is not None and self._newest_asks_for_websocket():
            # Whether the rest is HTTP is decided by the answer.
            self._stopped = True
        if rest:
            self.data_received(rest)

    def _newest_asks_for_websocket(self) -> bool:
        newest = self._turns[-1] if self._turns else self._active
        return isinstance(newest, Exchange) and newest.head.websocket and not newest.done

    # Turns

    def _queue_control(self, head: RequestHead, path: bytes, query: bytes) -> None:
        headers = self.headers
        self.server, self.client = get_local_addr(self.transport), get_remote_addr(self.transport)
        super().on_message_begin()
        self.url, self.scope["headers"], self.headers = path + (b"?" + query if query else b""), headers, headers
        state = cast("dict[str, Any]", self.scope)["state"]
        state["head"], state["peer"] = head, self.peer
        self.client = None
        self.cycle = None  # pyright: ignore[reportAttributeAccessIssue] - the queue is ours, not uvicorn's
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        turn = ControlTurn(self, cycle, app)
        self._reading = turn
        self._queue(turn)

    def start_control(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """The control turn has come."""
        if self.draining:
            cycle.keep_alive = False
        super()._start_asgi_task(cycle, app)

    def _queue(self, turn: Exchange | ControlTurn) -> None:
        if self._active is None and not self._turns and not self.flow.write_paused:
            self._active = turn
            turn.begin()
        else:
            self._turns.append(turn)
            self.pause_reading()
            self._await_reader()

    def _await_reader(self) -> None:
        """No turn begins while the client takes no answers: they would pile up here. It has the idle time for it."""
        if (
            self._active is None
            and self._turns
            and self.flow.write_paused
            and not self.gateway.connections.is_idle(self)
        ):
            self.gateway.connections.idle(self)

    def on_response_complete(self) -> None:
        """From uvicorn's cycle: a control turn is answered."""
        self.server_state.total_requests += 1
        self._watch_reader()
        self._next()

    def turn_done(self, exchange: Exchange) -> None:
        """From an exchange: its answer is written."""
        self.server_state.total_requests += 1
        if self.flow.write_paused:
            self._watch_reader()
        if exchange.keep_alive and exchange.body_read:
            self._next()
        else:
            self._active = None
            self._linger()

    def _watch_reader(self) -> None:
        if self.flow.write_paused or (self.transport.is_closing() and self.transport.get_write_buffer_size()):
            UnreadAnswer(self.gateway, self.transport, cast("OrderedFlow", self.flow))

    def _next(self) -> None:
        self._active = None
        if self.transport.is_closing():
            return
        if self._turns and self.flow.write_paused:
            self._await_reader()
        elif self._turns:
            # Not from inside the last turn's own callbacks.
            self.loop.call_soon(self._begin_next)
        else:
            if self.draining:
                # Its head was out before the client could be told: one more request may be on its way.
                self._end_soon()
            if self.flow.read_paused:
                self.flow.resume_reading()
            if not self._in_head:
                self.headers = _NO_HEADERS
            self.gateway.connections.idle(self)
            if self._stopped:
                # Not from inside the last turn's own callbacks.
                self.loop.call_soon(self._read_on)

    def _begin_next(self) -> None:
        if self.flow.write_paused:
            self._await_reader()
        elif self._active is None and self._turns and not self.transport.is_closing():
            self._active = turn = self._turns.pop(0)
            self.resume_reading()
            turn.begin()

    # Ends

    def _linger(self) -> None:
        """Close after an answer without destroying it: data that arrives at a closed socket makes a reset."""
        self._ignoring = True
        self._turns.clear()
        self._stopped, self._unread = False, b""
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._reading is None:
            self.transport.close()
            self._watch_reader()
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self._linger_end, self.transport.get_write_buffer_size())

    def _linger_end(self, unsent: int) -> None:
        """A client that still takes its answer gets more time."""
        left = self.transport.get_write_buffer_size()
        if 0 < left < unsent - self.gateway.settings.read_rate * _LINGER_SECONDS:
            self.loop.call_later(_LINGER_SECONDS, self._linger_end, left)
        else:
            self.transport.abort()

    def _unset_keepalive_if_required(self) -> None:
        """Also from the base: it is idle no longer."""
        self.gateway.connections.busy(self)

    def on_idle_end(self) -> None:
        """Idle for too long; an answer that was never read does not keep the connection."""
        if self.flow.write_paused:
            # Still being read, or else cut by who watches that.
            self.gateway.connections.idle(self)
        elif self.transport.get_write_buffer_size():
            self.transport.abort()
        elif not self.transport.is_closing():
            self.transport.close()

    def evict(self) -> bool:
        """Room is needed: an idle connection is the one that can be had again for nothing."""
        if self._active is not None or self._in_head or self.transport.is_closing():
            return False
        self._unset_keepalive_if_required()
        self.transport.close()
        return True

    def _unparsable(self) -> None:
        """Answer in turn what cannot be read, and read no further."""
        if self._ignoring or self.transport.is_closing():
            return
        self._stop_head_timer()
        refusal = self._refused or Refusal(400, "bad_request", "The request does not parse.", close=True)
        reading = self._reading
        self._ignoring = True
        if isinstance(reading, ControlTurn) and not self._take_back(reading):
            return
        if isinstance(reading, Exchange) and not reading.body_read:
            if reading is self._active:
                reading.refuse(refusal)
            else:
                reading.early = refusal
            return
        head = RequestHead([], http11=True, keep_alive=False)
        exchange = Exchange(self.gateway, self, head, b"GET", self.url[:MAX_TARGET])
        exchange.early = refusal
        exchange.body_read = False
        self._reading = exchange
        self._queue(exchange)

    def _take_back(self, turn: ControlTurn) -> bool:
        """Whether a control turn whose body broke can still be answered by us: a second answer would be nobody's."""
        cycle = turn.cycle
        if cycle.response_complete:
            self._linger()
        elif cycle.response_started:
            # Uvicorn closes the connection at its end.
            cycle.keep_alive = False
        elif turn is self._active:
            cycle.disconnected = True
            cycle.message_event.set()
            self._active = None
            return True
        else:
            self._turns.remove(turn)
            return True
        return False

    def _head_late(self) -> None:
        self._head_timer = None
        if self._in_head and self._turns:
            # It is the gateway that does not read on, until those in line are answered.
            self._head_timer = self.loop.call_later(self.gateway.settings.client_seconds, self._head_late)
        elif self._in_head and self._active is None:
            self._refused = Refusal(408, "request_timeout", "The request took too long.", close=True)
            self._unparsable()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def shutdown(self) -> None:
        """From the server: idle connections close, busy ones after their answer, a WebSocket after its time."""
        self.draining = True
        if self._active is None:
            self._end_soon()
        elif isinstance(self._active, Exchange):
            self._active.on_draining()
        else:
            self._active.cycle.keep_alive = False

    def _end_soon(self) -> None:
        """Once it is idle long enough that no request is likely to be on its way."""
        idle_for = self.gateway.connections.idle_for(self)
        self.loop.call_later(max(0.0, _LAST_CHANCE_SECONDS - idle_for), self._end_idle)

    def _end_idle(self) -> None:
        if self.transport.is_closing() or self._active is not None or self._turns:
            return
        if self._in_head:
            self.loop.call_later(_LAST_CHANCE_SECONDS, self._end_idle)
        else:
            self.transport.close()


def _headers_too_large() -> Refusal:
    return Refusal(431, "headers_too_large", "The headers are too large.", close=True)
