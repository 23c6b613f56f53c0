"""A circuit breaker: while most requests fail anyway, fail them at once and leave the service in peace.

Closed, it counts; from a failure rate on, over a sliding window with enough requests in it, it opens; after its time it
lets a few probes through (half-open), which close it when all succeed and open it again when one fails.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from gateway.upstream.outcome import Outcome

if TYPE_CHECKING:
    from gateway.routes.model import BreakerModel

State = Literal["closed", "open", "half_open"]
_SLICES = 10
_REFUSED = 0


class Breaker:
    """Times are given in, in seconds of one clock; ``enter`` and ``leave`` stand around each request."""

    def __init__(self, model: BreakerModel) -> None:
        self.state: State = "closed"
        self.model = model
        self.opened = 0
        # What a request was let in by; one of an earlier state says nothing about this one.
        self._generation = 1
        self._opened_at = 0.0
        self._probes = 0
        self._good = 0
        self._probed_at = 0.0
        self._slice_seconds = model.window / _SLICES
        self._requests = [0] * _SLICES
        self._failures = [0] * _SLICES
        self._slice = 0

    def enter(self, now: float) -> int:
        """A ticket for ``leave``, or 0: refused."""
        if self.state == "closed":
            return self._generation
        if self.state == "open":
            if now < self._opened_at + self.model.open_time:
                return _REFUSED
            self._become("half_open")
        if self._probes + self._good >= self.model.probes:
            # A probe that takes longer than the breaker was open (a stream, say) is waited for no longer.
            if now < self._probed_at + self.model.open_time:
                return _REFUSED
            self._probes = 0
        self._probes += 1
        self._probed_at = now
        return self._generation

    def leave(self, ticket: int, outcome: Outcome, now: float) -> None:
        """The request is over."""
        if ticket != self._generation:
            return
        failed = self._failed(outcome)
        if self.state == "closed":
            if outcome is not Outcome.ABANDONED:
                self._count(failed, now)
            return
        self._probes = max(0, self._probes - 1)
        if failed:
            self._open(now)
        elif outcome is not Outcome.ABANDONED:
            self._good += 1
            if self._good >= self.model.probes:
                self._become("closed")

    def seconds_left(self, now: float) -> int:
        """For Retry-After: whole seconds until probes are let in, at least 1."""
        if self.state != "open":
            return 1
        # Rounded first: of 5.0 a sum of floats makes 5.000000000001, and that would be 6.
        return max(1, math.ceil(round(self._opened_at + self.model.open_time - now, 6)))

    def describe(self, now: float) -> dict[str, object]:
        """For people who look after it."""
        self._turn(now)
        requests, failures = sum(self._requests), sum(self._failures)
        return {"state": self.state, "requests": requests, "failures": failures, "opened": self.opened}

    def _failed(self, outcome: Outcome) -> bool:
        if outcome is Outcome.FAILED:
            return self.model.server_errors
        return Outcome.UNAVAILABLE <= outcome <= Outcome.LATE

    def _count(self, failed: bool, now: float) -> None:  # noqa: FBT001 - internal
        self._turn(now)
        index = self._slice % _SLICES
        self._requests[index] += 1
        if not failed:
            return
        self._failures[index] += 1
        requests = sum(self._requests)
        if requests >= self.model.minimum and sum(self._failures) >= self.model.failure_rate * requests:
            self._open(now)

    def _turn(self, now: float) -> None:
        """Forget the slices that have left the window."""
        current = int(now / self._slice_seconds)
        for number in range(max(self._slice, current - _SLICES) + 1, current + 1):
            self._requests[number % _SLICES] = self._failures[number % _SLICES] = 0
        self._slice = max(self._slice, current)

    def _open(self, now: float) -> None:
        self._become("open")
        self.opened += 1
        self._opened_at = now

    def _become(self, state: State) -> None:
        self.state = state
        self._generation += 1
        self._probes = self._good = 0
        self._requests = [0] * _SLICES
        self._failures = [0] * _SLICES
