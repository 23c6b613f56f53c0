"""A request's body on its way to the upstream: collected first, then sent as it comes, kept while it may go again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.data.forwarding import Forwarding
    from gateway.upstream.connection import Connection

# So much of a body is read before the upstream is bothered, and kept while the request may be sent again.
HELD = 65536


class Upload:
    """Only for a request that has a body."""

    __slots__ = ("_exchange", "_forwarding", "_kept", "_kept_size", "_sent", "began", "gathering")

    def __init__(self, forwarding: Forwarding, *, keep: bool) -> None:
        self._forwarding = forwarding
        self._exchange = forwarding.exchange
        # Whether the body is still collected here; when its first byte was due; None while the client may wait.
        self.gathering = False
        self.began: float | None = None
        self._kept: list[bytes] | None = [] if keep else None
        self._kept_size = 0
        self._sent = False

    @property
    def whole(self) -> bool:
        """Whether all of it that came is still here, so that another attempt can send it."""
        return self._kept is not None or not self._sent

    def begin(self) -> bool:
        """Whether an upstream may be asked now; else it is when enough of the body, or its end, has come."""
        exchange = self._exchange
        if exchange.head.expects_continue:
            # It is the upstream that says whether the body may come; the client's time begins with its first byte.
            return True
        self.began = exchange.gateway.loop.time()
        if exchange.body_read or self._forwarding.route.stream or exchange.bytes_in >= HELD:
            return True
        self.gathering = True
        self.await_client()
        return False

    def send_all(self, connection: Connection) -> None:
        """The head is out: what came of the body follows."""
        exchange = self._exchange
        for piece in (*(self._kept or ()), *exchange.held):
            connection.send(self._framed(piece))
        self._keep(*exchange.held)
        exchange.held.clear()
        self.await_client()
        exchange.client.resume_reading()

    def piece(self, data: bytes) -> None:
        """A piece from the client; dropped once the upstream has answered without waiting for it."""
        exchange = self._exchange
        if self.gathering:
            exchange.held.append(data)
            self.await_client()
            if exchange.bytes_in >= HELD:
                self._forwarding.ask()
                if self._forwarding.connection is None and not exchange.done:
                    exchange.client.pause_reading()
            return
        connection = self._forwarding.connection
        if connection is not None:
            if self.began is None:
                self.began = exchange.gateway.loop.time()
            self.await_client()
            self._keep(data)
            connection.send(self._framed(data))

    def end(self, connection: Connection) -> None:
        """The last of it has been sent."""
        if self._exchange.head.chunked:
            connection.send(b"0\r\n\r\n")

    def forget(self) -> None:
        """The answer has begun: the request is not sent again."""
        self._kept = None
        self._sent = True

    def await_client(self) -> None:
        """More of the body must come in time, at the least rate, and all of it within the total."""
        exchange = self._exchange
        settings, now = exchange.gateway.settings, exchange.gateway.loop.time()
        self._forwarding.late = "client"
        due = min(now + settings.client_seconds, self._forwarding.ends)
        if self.began is not None:
            due = min(due, self.began + settings.upload_grace_seconds + exchange.bytes_in / settings.upload_rate)
        exchange.due = due

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._exchange.head.chunked else data

    def _keep(self, *pieces: bytes) -> None:
        self._sent = True
        if self._kept is not None:
            self._kept_size += sum(map(len, pieces))
            if self._kept_size > HELD:
                self._kept = None
            else:
                self._kept += pieces
