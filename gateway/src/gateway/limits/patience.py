"""How long a request waits for Redis, counted so that a process that was late itself blames nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

PATIENCE = 0.05
"""In seconds: after that the route's mode decides (TRAPS, rate limiting 6)."""
# The last part lets the loop read once more: it may be this process that was late, with the reply in the socket.
_READ_AGAIN = 0.008


class Patience:
    """``late`` is called after ``seconds``, unless it is cancelled before."""

    __slots__ = ("_late", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, late: Callable[[], None]) -> None:
        self._loop, self._late = loop, late
        self._timer = loop.call_later(max(0.0, seconds - _READ_AGAIN), self._read_again)

    def cancel(self) -> None:
        """The reply is there."""
        self._timer.cancel()

    def _read_again(self) -> None:
        self._timer = self._loop.call_later(_READ_AGAIN, self._late)
