"""The limits of one process alone, for the time Redis is away: each client gets a share of its quota here.

It is kept when Redis is back, until it is as old as its window: a Redis that comes and goes does not refill it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from gateway.limits.local_counts import Count, count

if TYPE_CHECKING:
    from gateway.limits.plan import Plan

_MAX_KEYS = 50_000


class LocalShare:
    """In memory and bounded: of too many keys the one is forgotten that was asked about longest ago."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, Count] = OrderedDict()

    def take(self, plan: Plan, keys: list[str]) -> list[int]:
        """Charge all limits of a (local) plan or none; answers what decide.lua would."""
        now = time.monotonic_ns() // 1000
        counts = [self._count(key, rule.figures.code) for key, rule in zip(keys, plan.rules, strict=True)]
        rules = list(zip(counts, plan.rules, strict=True))
        told = [found.left(now, rule.capacity, rule.span, rule.cost) for found, rule in rules]
        if any(left < rule.cost for (left, _), rule in zip(told, plan.rules, strict=True)):
            return [number for left, wait in told for number in (-1 - left, wait)]
        taken = [found.take(now, rule.capacity, rule.span, rule.cost) for found, rule in rules]
        return [number for pair in taken for number in pair]

    def _count(self, key: str, code: int) -> Count:
        found = self._counts.get(key)
        if found is not None:
            self._counts.move_to_end(key)
            return found
        if len(self._counts) >= _MAX_KEYS:
            self._counts.popitem(last=False)
        found = self._counts[key] = count(code)
        return found
