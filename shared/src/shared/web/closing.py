"""Connections of a process that stops: each is told so by its next answer, and none is closed under a request.

A client that keeps a connection alive may send a request at the moment at which we close it, and cannot know whether it
was processed; nobody may send a POST again then. So while we drain every answer says ``Connection: close``, a
connection that was used just now gets time for one more request, and an idle one hears a 408 before its end: whoever
had a request on the way learns that it was not taken and may send it again, whatever its method (RFC 9110 section
15.5.9).
"""

from typing import Any

import uvicorn.server
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

LAST_CHANCE_SECONDS = 1.0
_LINGER_SECONDS = 1.0
_NOT_TAKEN = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class ClosingState(uvicorn.server.ServerState):
    """Uvicorn's, and whether the process was told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.draining = False


class ClosingConnection(HttpToolsProtocol):
    """See the module."""

    server_state: ClosingState

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = False
        self._closing = False
        self._said_goodbye = False
        self._used_at = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """What comes after the 408 is a request that crossed it: it is not read, as the 408 said."""
        if not self._said_goodbye:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if self.server_state.draining:
            cycle.keep_alive = False
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """The connection is idle, unless it closes with this answer."""
        self._used_at = self.loop.time()
        super().on_response_complete()
        if self._closing and not self.transport.is_closing():
            self._end_soon()

    def shutdown(self) -> None:
        """From the server, once it accepts no more."""
        self._closing = True
        if not self._busy():
            self._end_soon()
        elif not self.cycle.response_started:
            self.cycle.keep_alive = False
        # Else its client was told that the connection stays: it ends when the answer has, as an idle one.

    def _busy(self) -> bool:
        # None before the first request, which its type does not say.
        return bool(self.cycle) and not self.cycle.response_complete

    def _end_soon(self) -> None:
        left = self._used_at + LAST_CHANCE_SECONDS - self.loop.time()
        self.loop.call_later(max(0.0, left), self._end_idle)

    def _end_idle(self) -> None:
        if self.transport.is_closing() or self._said_goodbye or self._busy():
            return
        if self._in_head:
            self.loop.call_later(LAST_CHANCE_SECONDS, self._end_idle)
            return
        self._said_goodbye = True
        self.transport.write(_NOT_TAKEN)
        # Not closed for reading yet: data that meets a closed socket makes a reset, which destroys the 408.
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)
