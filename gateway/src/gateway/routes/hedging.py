"""When a slow GET of a route is asked a second time: after a fixed time, or after the p95 of what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.routes.model.hedging import Hedging

_KEPT = 256
_EVERY = 32
_SHARE = 0.95


class HedgeDelay:
    """Of one route, in seconds; learns from each answer where the file names no time."""

    __slots__ = ("_next", "_seen", "fixed", "seconds")

    def __init__(self, model: Hedging) -> None:
        self.fixed = model.after is not None
        # None while too little is known.
        self.seconds = model.after
        self._seen: list[float] = []
        self._next = 0

    def observe(self, seconds: float) -> None:
        """From the end of a request to the head of the answer that its client got."""
        if self.fixed:
            return
        seen, position = self._seen, self._next
        if len(seen) < _KEPT:
            seen.append(seconds)
        else:
            seen[position % _KEPT] = seconds
        self._next = position + 1
        if self._next % _EVERY == 0:
            self.seconds = sorted(seen)[int(len(seen) * _SHARE)]


def explain_hedging(delay: HedgeDelay | None) -> list[str]:
    """For ``gateway explain``; nothing where the route asks for none."""
    if delay is None:
        return []
    return ["hedging    after " + (f"{delay.seconds:g}s" if delay.fixed else "the p95 of the last answers")]
