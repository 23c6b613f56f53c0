"""One keep-alive connection to an upstream: an httptools response parser that tells one listener what arrives."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Protocol, cast

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.upstream.known_answers import KnownHead
    from gateway.upstream.pool import Pool

_MAX_HEAD = 65536
_FIRST_FINAL = 200
_SWITCHING = 101


class Listener(Protocol):
    """Who sent the request on a connection and takes the answer."""

    method: bytes
    # Whether a 101 is what was asked for.
    switches: bool

    @property
    def on_whole_answer(self) -> Callable[[KnownHead, bytes], None] | None:
        """All of an answer in one call, its head one of those that repeat, once the connection is no longer its own.

        None where it wants its answers in pieces.
        """
        ...

    def on_answer_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The final head, or an interim one (1xx)."""
        ...

    def on_answer_body(self, data: bytes) -> None:
        """A piece of the body, without its transfer coding."""
        ...

    def on_trailers(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """What stood behind a chunked body, names in lower case; only where something did."""
        ...

    def on_answer_batch(self) -> None:
        """All that one read brought has been handed over: write it in one go."""
        ...

    def on_answer_end(self) -> None:
        """The answer is whole, with what its last read brought; the connection is no longer the listener's."""
        ...

    def on_connection_lost(self, connection: Connection, *, answered: bool) -> None:
        """The connection died before the end; ``answered`` when a byte of an answer had come."""
        ...

    def on_switched(self, transport: asyncio.Transport, headers: list[tuple[bytes, bytes]], rest: bytes) -> None:
        """A 101 that was asked for: the transport is the listener's now, and ``rest`` came behind the head."""
        ...

    def on_upstream_full(self) -> None:
        """The upstream reads slower than we write: stop reading the client."""
        ...

    def on_upstream_drained(self) -> None:
        """It caught up."""
        ...


class Connection(asyncio.Protocol):
    """Idle in its pool while ``listener`` is None."""

    __slots__ = (
        "_answered",
        "_body_stated",
        "_ended",
        "_first",
        "_head_size",
        "_headers",
        "_in_head",
        "_interim",
        "_keep_alive",
        "_length",
        "_parsed",
        "_parser",
        "_queued",
        "_reading_paused",
        "_surplus",
        "_trailers",
        "_trailers_size",
        "_until_eof",
        "closed",
        "idle_since",
        "listener",
        "pool",
        "request_complete",
        "transport",
        "unsent",
        "used",
        "writing_blocked",
    )

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.transport: asyncio.Transport = None  # pyright: ignore[reportAttributeAccessIssue] - set by connection_made
        self.listener: Listener | None = None
        self.used = 0
        self.idle_since = 0.0
        self.request_complete = True
        self.closed = False
        # It ended before any of the last request had left.
        self.unsent = False
        self.writing_blocked = False
        self._parser = httptools.HttpResponseParser(self)
        self._reading_paused = False
        self._answered = False
        self._queued = 0
        self._reset()

    def _reset(self) -> None:
        """What is known of an answer, before the parser sees any of it."""
        self._parsed = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_head = True
        self._head_size = 0
        self._trailers: list[tuple[bytes, bytes]] = []
        self._trailers_size = 0
        self._interim = False
        self._ended = False
        self._until_eof = False
        self._surplus = False
        self._body_stated = False
        self._keep_alive = False
        # The first read of the answer, and the length of its body, where it may come again as it is.
        self._first: bytes | None = None
        self._length: int | None = None

    # The pool's and the listener's side

    def begin(self, listener: Listener, data: bytes) -> None:
        """Send the head of a request; the answer goes to ``listener``."""
        self.used += 1
        self.listener = listener
        self.request_complete = self._answered = False
        if self._parsed:
            self._reset()
        self._queued = len(data)
        self.transport.write(data)

    def send(self, data: bytes) -> None:
        """A piece of the request's body, framed."""
        if not self.closed:
            self._queued += len(data)
            self.transport.write(data)

    def abandon(self) -> None:
        """Drop the request and with it the connection; the upstream sees the hang-up."""
        self.listener = None
        self.close()

    def close(self) -> None:
        """Close at once: whatever was still to be written is of no use to anybody."""
        if not self.closed:
            self.closed = True
            self.pool.forget(self)
            self.transport.abort()

    def pause(self) -> None:
        """The client is slow: read no more from the upstream."""
        if not self._reading_paused and not self.closed and not self.transport.is_closing():
            self._reading_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """The client caught up."""
        if self._reading_paused and not self.closed and not self.transport.is_closing():
            self._reading_paused = False
            self.transport.resume_reading()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The pool hands the connection out once its connect returns."""
        # uvloop's transports are no subclass of asyncio's.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then tell the listener once that the read is through."""
        listener = self.listener
        if listener is None:
            # Nothing was asked: whatever this is would be taken for the next answer.
            self.close()
            return
        if not self._answered:
            if self._queued <= self.transport.get_write_buffer_size():
                # All of the request still lies here: no answer to it can have come, so these are late bytes of the
                # last one (nginx and HAProxy close an idle connection that is readable; this is the moment after).
                self._unasked(listener)
                return
            self._answered = True
            if self._is_known(listener, data):
                return
            self._first = data
            self._parsed = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._switch(listener, data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._broken()
            return
        if self.listener is not listener:
            return
        if self._ended:
            self._finish(listener, data)
        elif self._in_head and self._head_size + len(data) > _MAX_HEAD:
            self._broken()
        else:
            self._head_size += len(data)
            listener.on_answer_batch()

    def _is_known(self, listener: Listener, data: bytes) -> bool:
        """Whether it was one whole answer of a known head, and the listener has it; the parser need not see it."""
        tell = listener.on_whole_answer
        known = None if tell is None or listener.method == b"HEAD" else self.pool.known.find(data)
        if tell is None or known is None:
            return False
        self._free(clean=True)
        tell(known, data[len(data) - known.size :])
        return True

    def _switch(self, listener: Listener, rest: bytes) -> None:
        # It speaks another protocol from here on and comes back to no pool; who took it closes it.
        self.listener, self.closed = None, True
        self.pool.forget(self)
        listener.on_switched(self.transport, self._headers, rest)

    def _unasked(self, listener: Listener) -> None:
        self.listener, self.unsent = None, True
        self.close()
        listener.on_connection_lost(self, answered=False)

    def _broken(self) -> None:
        listener, self.listener = self.listener, None
        self.close()
        if listener is not None:
            listener.on_connection_lost(self, answered=True)

    def _finish(self, listener: Listener, data: bytes) -> None:
        if self.listener is not listener:
            return
        if self._first is data and self._length is not None and self._keep_alive and not self._surplus:
            self.pool.known.learn(data, self._parser.get_status_code(), self._headers, self._length)
        self._free(clean=self._keep_alive and not self._surplus)
        listener.on_answer_end()

    def _free(self, *, clean: bool) -> None:
        """The answer is through: the connection is the next one's, where it can be."""
        self.listener = None
        if self._reading_paused:
            self.resume()
        # An upstream that answered before the upload was through still waits for the rest of it.
        if clean and self.request_complete and not self.transport.is_closing():
            self.pool.release(self)
        else:
            self.close()

    def eof_received(self) -> None:
        """Let the transport close; connection_lost tells what that means."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the answer when it had no other, else a loss."""
        listener = self.listener
        if exc is not None and listener is not None and not self._ended:
            self._read_what_is_left()
            listener = self.listener
        was_closed, self.closed = self.closed, True
        if not was_closed:
            self.pool.forget(self)
        if listener is None:
            return
        self.listener = None
        if self._until_eof and exc is None and not self._in_head:
            listener.on_answer_end()
        else:
            listener.on_connection_lost(self, answered=self._answered)

    def _read_what_is_left(self) -> None:
        """A write that failed makes the transport give up although an answer (a 413, say) lies in the socket."""
        socket = self.transport.get_extra_info("socket")
        if socket is None or self.transport.get_extra_info("sslcontext") is not None:
            return  # of TLS only the transport has the keys
        with contextlib.suppress(OSError, ValueError):
            while self.listener is not None and not self._ended:
                data = os.read(socket.fileno(), 65536)
                if not data:
                    return
                self.data_received(data)

    def pause_writing(self) -> None:
        """From the transport: the send buffer is over its high-water mark."""
        self.writing_blocked = True
        if self.listener is not None:
            self.listener.on_upstream_full()

    def resume_writing(self) -> None:
        """From the transport: it is below the low-water mark again."""
        self.writing_blocked = False
        if self.listener is not None:
            self.listener.on_upstream_drained()

    # httptools

    def on_message_begin(self) -> None:
        """A second message after the first is an answer to nothing."""
        if self._ended:
            self._surplus = True
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; after the body it is a trailer."""
        if self._in_head:
            self._headers.append((name.lower(), value))
        elif not self._ended:
            self._trailers.append((name.lower(), value))
            self._trailers_size += len(name) + len(value)
            if self._trailers_size > _MAX_HEAD:
                raise httptools.HttpParserError("too many trailers")

    def on_headers_complete(self) -> None:
        """Hand over the head; work out by what the body will end."""
        listener = self.listener
        if listener is None or self._ended:
            return
        status = self._parser.get_status_code()
        self._interim = status < _FIRST_FINAL
        if status == _SWITCHING:
            if listener.switches and self._parser.should_upgrade():
                return
            raise httptools.HttpParserError("101 was not asked for")
        if not self._interim:
            self._in_head = False
            names = {name: value for name, value in self._headers if name in _FRAMING}
            chunked = b"chunked" in names.get(b"transfer-encoding", b"").lower()
            if listener.method == b"HEAD":
                # The parser waits for a body that a HEAD's answer never has. A service that sends one all the same
                # may do so late, in the next answer's place: the connection is not used again.
                self._ended = True
            elif status in (204, 304):
                self._body_stated = chunked or names.get(b"content-length", b"0").strip(b"0") != b""
            elif b"content-length" in names and not chunked:
                self._length = _number(names[b"content-length"])
            else:
                self._until_eof = not chunked
        listener.on_answer_head(status, self._headers)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._ended:
            self._surplus = True
        elif self.listener is not None:
            self.listener.on_answer_body(body)

    def on_message_complete(self) -> None:
        """The end of the answer, or of an interim one."""
        if self._interim:
            self._interim, self._first = False, None
        elif not self._ended:
            self._ended = True
            if self._trailers and self.listener is not None:
                self.listener.on_trailers(self._trailers)
            # A body stated where there is none may follow late, as after a HEAD.
            self._keep_alive = self._parser.should_keep_alive() and not self._body_stated


def _number(value: bytes) -> int | None:
    return int(value) if value.isdigit() else None


_FRAMING = frozenset({b"transfer-encoding", b"content-length", b"connection"})
