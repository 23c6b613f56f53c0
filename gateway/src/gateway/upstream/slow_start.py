"""A target that is new or has come back gets a tenth of its part at first, and all of it after the time given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from gateway.upstream.target import Target

_STEPS = 20
_LEAST = 0.1


def part(passed: float, whole: float) -> float:
    """The part of the weight after ``passed`` of ``whole`` seconds: from a tenth to 1.0 in a straight line."""
    return min(1.0, max(_LEAST, passed / whole))


class SlowStart:
    """Raises the target's weight step by step, so that a choice looks at no clock."""

    def __init__(self, target: Target, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._seconds = seconds
        self._loop = loop
        self._began = loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._step()

    def _step(self) -> None:
        share = part(self._loop.time() - self._began, self._seconds)
        self._target.weight = self._target.full_weight * share
        self._timer = self._loop.call_later(self._seconds / _STEPS, self._step) if share < 1 else None

    def stop(self) -> None:
        """The target is out again, or all of it is."""
        if self._timer is not None:
            self._timer.cancel()
