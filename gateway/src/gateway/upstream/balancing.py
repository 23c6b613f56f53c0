"""Which of the usable targets gets the next attempt. All three ways keep the weights."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.upstream.target import Target


class Balancer(Protocol):
    """A way to choose."""

    def choose(self, targets: Sequence[Target]) -> Target:
        """One of ``targets``, of which there is at least one."""
        ...


class LeastOutstanding:
    """The one with the fewest attempts under way for its weight; among equals each in turn."""

    def __init__(self) -> None:
        self._start = 0

    def choose(self, targets: Sequence[Target]) -> Target:
        """See Balancer."""
        count = len(targets)
        self._start = start = (self._start + 1) % count
        best = targets[start]
        least = (best.outstanding + 1) / best.weight
        for offset in range(1, count):
            target = targets[(start + offset) % count]
            load = (target.outstanding + 1) / target.weight
            if load < least:
                best, least = target, load
        return best


class PowerOfTwoChoices:
    """The less loaded of two at random (Mitzenmacher, 2001): good where many gateways choose without each other."""

    def __init__(self, source: random.Random | None = None) -> None:
        self._random = (source or random.Random()).random  # noqa: S311 - nothing secret

    def choose(self, targets: Sequence[Target]) -> Target:
        """See Balancer."""
        count = len(targets)
        first = int(self._random() * count)
        if count == 1:
            return targets[0]
        # The second is one of the others.
        second = (first + 1 + int(self._random() * (count - 1))) % count
        one, two = targets[first], targets[second]
        if (one.outstanding + 1) * two.weight <= (two.outstanding + 1) * one.weight:
            return one
        return two


class RoundRobin:
    """Each in turn, smoothly: weights 2 and 1 give a, b, a and not a, a, b (as nginx does it)."""

    def __init__(self) -> None:
        self._credit: dict[Target, float] = {}

    def choose(self, targets: Sequence[Target]) -> Target:
        """See Balancer."""
        credit, total, best, most = self._credit, 0.0, targets[0], float("-inf")
        if len(credit) > len(targets):
            # One that was away starts over: it must not catch up.
            self._credit = credit = {target: credit.get(target, 0.0) for target in targets}
        for target in targets:
            total += target.weight
            credit[target] = has = credit.get(target, 0.0) + target.weight
            if has > most:
                best, most = target, has
        credit[best] -= total
        return best


BALANCERS: dict[str, type[LeastOutstanding | PowerOfTwoChoices | RoundRobin]] = {
    "least_outstanding": LeastOutstanding,
    "p2c": PowerOfTwoChoices,
    "round_robin": RoundRobin,
}
