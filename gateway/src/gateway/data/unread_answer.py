"""An answer that is written but not read: it lies here in memory until the client takes it, so the client must."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from gateway.data.ordered_flow import OrderedFlow
    from gateway.runtime import Gateway


class UnreadAnswer:
    """Among the deadlines while a finished answer has not left: it must leave at the least rate, else it is cut.

    While an answer is still being forwarded the route's deadlines see to it, for then the upstream is paused.
    """

    __slots__ = ("_every", "_flow", "_gateway", "_least", "_left", "_resumed", "_transport", "due")

    def __init__(self, gateway: Gateway, transport: asyncio.Transport, flow: OrderedFlow) -> None:
        settings = gateway.settings
        self._gateway = gateway
        self._transport = transport
        self._flow = flow
        self._resumed = flow.resumed
        self._every = settings.client_seconds
        self._least = settings.read_rate * self._every
        self._left = transport.get_write_buffer_size()
        self.due = gateway.loop.time() + self._every
        gateway.deadlines.add(self)

    def on_deadline(self) -> None:
        """Every ``client_seconds``."""
        left = self._transport.get_write_buffer_size()
        if not left:
            self._gateway.deadlines.remove(self)
        elif self._resumed == self._flow.resumed and self._left - left < self._least:
            self._gateway.deadlines.remove(self)
            self._transport.abort()
        else:
            self._left, self._resumed = left, self._flow.resumed
            self.due = self._gateway.loop.time() + self._every
