"""One worker as its parent sees it: the process, the channel to it, and what it counted when last asked."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.workers.channel import Channel, ChannelError, Duty
from gateway.workers.place import Place, command
from gateway.workers.sums import Snapshot

_GATHER_SECONDS = 1.0


@dataclass(frozen=True)
class Sockets:
    """What the parent holds for its workers: a public listener for each; the admin view's, and whoever started us's."""

    public: list[socket.socket]
    admin: socket.socket | None
    probe: socket.socket | None

    def close(self) -> None:
        """The parent's copies."""
        for one in (*self.public, self.admin, self.probe):
            if one is not None:
                one.close()


class Member:
    """Keeps its number over all the processes it is in turn."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: asyncio.subprocess.Process | None = None
        self.channel: Channel | None = None
        # Takes connections: from the word of the worker until its process ends.
        self.accepting = False
        # Takes none at the public listeners yet.
        self.held = False
        self.counted: Snapshot = []
        self._started = False

    async def start(self, sockets: Sockets, duties: Duties, *, held: bool) -> None:
        """Run a new process; every listener is handed to it, so that it can take over another's."""
        ours, theirs = socket.socketpair()
        numbers = tuple(listener.fileno() for listener in sockets.public)
        admin = sockets.admin.fileno() if sockets.admin else None
        probe = sockets.probe.fileno() if sockets.probe else None
        place = Place(self.number, theirs.fileno(), numbers, admin, self._started, probe, held)
        self.held = held
        self._started = True
        handed = [*numbers, place.channel, *(number for number in (admin, probe) if number is not None)]
        with theirs:
            # First, for a stop closes the listeners: until the fork nothing else runs.
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", *command(place), pass_fds=handed
            )
        self.channel = Channel(duties(self), lambda: None)
        await self.channel.open(ours)

    async def ended(self) -> int:
        """Wait for the end of the process; its exit status."""
        assert self.process is not None  # noqa: S101 - started
        status = await self.process.wait()
        self.accepting = False
        if self.channel is not None:
            self.channel.close()
        return status

    async def ask(self, duty: str, seconds: float = _GATHER_SECONDS, /, **arguments: object) -> object | None:
        """The worker's answer; None where it gave none in time."""
        if not self.accepting or self.channel is None:
            return None
        try:
            return await self.channel.ask(duty, seconds, **arguments)
        except ChannelError:
            return None


Duties = Callable[[Member], Mapping[str, Duty]]
