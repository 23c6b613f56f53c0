"""What one worker knows of the others: it asks through its parent, or answers alone where it is the only one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

from gateway.workers.channel import Channel, ChannelError, Duty
from gateway.workers.place import Place
from gateway.workers.sums import Snapshot

# More than the parent gives each worker, so that it is the parent who decides without a late one.
_SECONDS = 3.0


class Team:
    """All workers of this gateway, this one among them."""

    def __init__(self, place: Place | None) -> None:
        self.place = place
        self.duties: dict[str, Duty] = {}
        self._channel: Channel | None = None

    async def join(self, duties: Mapping[str, Duty], on_orphaned: Callable[[], None]) -> None:
        """Take on ``duties``; ``on_orphaned`` is called when the parent has gone."""
        self.duties.update(duties)
        if self.place is not None:
            self._channel = Channel(self.duties, on_orphaned)
            await self._channel.open(socket.socket(fileno=self.place.channel))

    async def accepting(self) -> None:
        """Tell the parent that this worker takes connections."""
        if self._channel is not None:
            await self._channel.ask("accepting", _SECONDS)

    async def everyone(self, duty: str, seconds: float = 1.0, **arguments: Any) -> list[dict[str, Any]]:
        """Each worker's answer as ``{"worker", "pid", "answer"}``; the answer is None where one gave none."""
        if self._channel is None:
            return [{"worker": 0, "pid": os.getpid(), "answer": await self.duties[duty](arguments)}]
        bound = seconds + _SECONDS
        return await self._channel.ask("everyone", bound, duty=duty, seconds=seconds, arguments=arguments)

    async def metrics(self) -> Snapshot | None:
        """The sum over all workers; None where there is only this one. Raises ChannelError."""
        return None if self._channel is None else await self._channel.ask("metrics", _SECONDS)

    async def crew(self) -> dict[str, int] | None:
        """How many workers are ``wanted`` and ``accepting``; None where there is only this one."""
        if self._channel is None:
            return None
        try:
            return await self._channel.ask("crew", _SECONDS)
        except ChannelError:
            return None
