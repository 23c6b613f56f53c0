"""Back-pressure of one client connection, as uvicorn's cycle wants it and no heavier than an idle connection needs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from uvicorn.protocols.http.flow_control import FlowControl

if TYPE_CHECKING:
    from gateway.data.client_connection import ClientConnection


class OrderedFlow(FlowControl):
    """Uvicorn's cycle reads on whenever an app waits for its request; while others stand in line nothing is read."""

    __slots__ = ("_client", "resumed")

    def __init__(self, transport: asyncio.Transport, client: ClientConnection) -> None:
        # Not super's: its event is a third of what a whole idle connection may cost.
        self._transport = transport
        self._client = client
        # How often the client has caught up.
        self.resumed = 0
        self.read_paused = False
        self.write_paused = False
        self._is_writable_event: asyncio.Event | None = None  # pyright: ignore[reportIncompatibleVariableOverride]

    async def drain(self) -> None:
        """From uvicorn's cycle: until the client has caught up."""
        if self.write_paused:
            self._is_writable_event = event = self._is_writable_event or asyncio.Event()
            await event.wait()

    def pause_writing(self) -> None:
        """From the transport, by way of the connection."""
        self.write_paused = True

    def resume_writing(self) -> None:
        """The same, and at the end of the connection."""
        self.resumed += 1
        self.write_paused = False
        event, self._is_writable_event = self._is_writable_event, None
        if event is not None:
            event.set()

    def resume_reading(self) -> None:
        """Unless requests wait in line."""
        if not self._client.waits:
            super().resume_reading()
