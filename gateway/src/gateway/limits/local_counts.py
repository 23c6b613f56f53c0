"""The algorithms of decide.lua once more, for one process alone: what each keeps of a key, in memory.

``left`` answers what is left and, where that is less than the cost, the microseconds until it is not; ``take`` charges
and answers what is left then and the microseconds until more is (of spacing: what the key runs ahead).
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from gateway.limits.figures import FIXED_WINDOW, SLIDING_COUNTER, SLIDING_LOG, SLIDING_WINDOW, SPACING

Told = tuple[int, int]
_RUNS = 60


class Count(Protocol):
    """One key; times in microseconds of a clock that never goes back."""

    def left(self, now: int, figure: int, span: int, cost: int) -> Told:
        """See the module."""
        ...

    def take(self, now: int, figure: int, span: int, cost: int) -> Told:
        """See the module; after ``left`` found room at this moment."""
        ...


class Spacing:
    """The moment a key has run ahead to (GCRA)."""

    def __init__(self) -> None:
        self._moment = 0

    def left(self, now: int, figure: int, span: int, cost: int) -> Told:
        """See the module."""
        ahead = max(0, self._moment - now)
        return max(0, (figure - ahead) // span), ahead + cost * span - figure

    def take(self, now: int, figure: int, span: int, cost: int) -> Told:
        """See the module."""
        self._moment = max(self._moment, now) + cost * span
        return (figure - self._moment + now) // span, self._moment - now


class Runs:
    """Requests in runs no longer than ``1 / runs`` of the window; without runs each stands alone (the log)."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        # Start, last moment and count.
        self._kept: deque[list[int]] = deque()
        self._total = 0

    def left(self, now: int, figure: int, span: int, cost: int) -> Told:
        """See the module."""
        while self._kept and self._kept[0][1] <= now - span:
            self._total -= self._kept.popleft()[2]
        left, over = max(0, figure - self._total), self._total + cost - figure
        if over <= 0:
            return left, 0
        for _, last, count in self._kept:
            over -= count
            if over <= 0:
                return left, last + span - now
        return left, span

    def take(self, now: int, figure: int, span: int, cost: int) -> Told:
        """See the module."""
        newest = self._kept[-1] if self._kept else None
        if newest is not None and (newest[0] == now or (now - newest[0]) * self._runs < span * bool(self._runs)):
            newest[1] = now
            newest[2] += cost
        else:
            self._kept.append([now, now, cost])
        self._total += cost
        return figure - self._total, self._kept[0][1] + span - now


class Counter:
    """Two windows of the clock, and the last moment in each: what is older than a window counts no more."""

    def __init__(self) -> None:
        self._number = self._current = self._previous = self._last = self._previous_last = 0

    def left(self, now: int, figure: int, span: int, cost: int) -> Told:
        """See the module."""
        number = now // span
        if number > self._number:
            self._previous, self._previous_last = self._current, self._last
            self._number, self._current = number, 0
        if self._previous_last + span <= now:
            self._previous = 0
        left = max(0, self._room(now, figure, span))
        return left, self._wait(now, figure, span, cost) if left < cost else 0

    def take(self, now: int, figure: int, span: int, cost: int) -> Told:
        """See the module."""
        self._current += cost
        self._last = now
        left = self._room(now, figure, span)
        return left, self._wait(now, figure, span, left + 1)

    def _room(self, now: int, figure: int, span: int) -> int:
        rest = self._number * span + span - now
        return figure - self._current - -(-self._previous * rest // span)

    def _wait(self, now: int, figure: int, span: int, more: int) -> int:
        start, free = self._number * span, figure - more - self._current
        if free < 0:
            return min(start + 2 * span - (figure - more) * span // self._current, self._last + span) - now
        if not self._previous:
            return 0
        return max(0, min(start + span - free * span // self._previous, self._previous_last + span) - now)


class Fixed:
    """A window that begins with the first request."""

    def __init__(self) -> None:
        self._ends = self._used = 0

    def left(self, now: int, figure: int, span: int, cost: int) -> Told:  # noqa: ARG002 - see Count
        """See the module."""
        if self._ends <= now:
            self._ends, self._used = 0, 0
        return max(0, figure - self._used), self._ends - now

    def take(self, now: int, figure: int, span: int, cost: int) -> Told:
        """See the module."""
        self._ends = self._ends or now + span
        self._used += cost
        return figure - self._used, self._ends - now


def count(code: int) -> Count:
    """A fresh key of the algorithm."""
    if code in (SLIDING_WINDOW, SLIDING_LOG):
        return Runs(_RUNS if code == SLIDING_WINDOW else 0)
    return {SPACING: Spacing, SLIDING_COUNTER: Counter, FIXED_WINDOW: Fixed}[code]()
