"""How long after each fault the first request of each kind succeeded again."""

from __future__ import annotations

from bisect import bisect_left
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def recoveries(ended: Sequence[float], successes: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, float]]:
    """Of each kind of request the median and the most, in seconds, from a fault's end to the first success after it."""
    found: dict[str, tuple[float, float]] = {}
    for request, times in successes.items():
        after = (bisect_left(times, end) for end in ended)
        waits = [times[place] - end for place, end in zip(after, ended, strict=True) if place < len(times)]
        if waits:
            found[request] = (median(waits), max(waits))
    return found
