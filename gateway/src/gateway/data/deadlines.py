"""Deadlines of everything in flight, looked at ten times a second: a timer a request would cost more than it tells.

A deadline is therefore kept to a tenth of a second.
"""

import asyncio
from collections.abc import Iterator
from typing import Protocol

TICK = 0.1


class Timed(Protocol):
    """What has a deadline; ``due`` is in the loop's time."""

    due: float

    def on_deadline(self) -> None:
        """``due`` has passed. Called again each tick until ``due`` moves or the thing is removed."""
        ...


class Deadlines:
    """The set of what is in flight."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._active: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._active)

    def __iter__(self) -> Iterator[Timed]:
        return iter(self._active)

    def add(self, timed: Timed) -> None:
        """Watch it."""
        self._active.add(timed)
        if self._timer is None:
            self._timer = self._loop.call_later(TICK, self._tick)

    def remove(self, timed: Timed) -> None:
        """It is done."""
        self._active.discard(timed)

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        for timed in [timed for timed in self._active if timed.due <= now]:
            timed.on_deadline()
        if self._active and self._timer is None:
            self._timer = self._loop.call_later(TICK, self._tick)
