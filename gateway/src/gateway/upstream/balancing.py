"""Which of the usable targets gets the next attempt. All three ways keep the weights, busy or not."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.upstream.target import Target


class Balancer(Protocol):
    """A way to choose."""

    def choose(self, targets: Sequence[Target]) -> Target:
        """One of ``targets``, of which there is at least one."""
        ...


class RoundRobin:
    """Each in turn, smoothly: weights 2 and 1 give a, b, a and not a, a, b (as nginx does it)."""

    def __init__(self) -> None:
        self._credit: dict[Target, float] = {}

    def choose(self, targets: Sequence[Target], *, by_load: bool = False) -> Target:
        """See Balancer; ``by_load`` divides the weight by what is under way already."""
        credit, total, best, most = self._credit, 0.0, targets[0], float("-inf")
        if len(credit) != len(targets):
            # One that comes back must not catch up on the turns it missed.
            self._credit = credit = {target: credit.get(target, 0.0) for target in targets}
        for target in targets:
            weight = target.weight / (target.outstanding + 1) if by_load else target.weight
            total += weight
            credit[target] = has = credit.get(target, 0.0) + weight
            if has > most:
                best, most = target, has
        credit[best] -= total
        return best


class LeastOutstanding:
    """The one with the fewest attempts under way; among equals each in turn.

    Where weights differ the fewest alone would leave the lighter ones without any request while nothing is under way:
    then each in turn by weight over load (as Envoy's least request does it).
    """

    def __init__(self) -> None:
        self._start = 0
        self._weighted = RoundRobin()

    def choose(self, targets: Sequence[Target]) -> Target:
        """See Balancer."""
        count = len(targets)
        self._start = start = (self._start + 1) % count
        best = targets[start]
        for offset in range(1, count):
            target = targets[(start + offset) % count]
            if target.weight != best.weight:
                return self._weighted.choose(targets, by_load=True)
            if target.outstanding < best.outstanding:
                best = target
        return best


class PowerOfTwoChoices:
    """The less loaded of two at random (Mitzenmacher, 2001): good where many gateways choose without each other."""

    def __init__(self, source: Callable[[], float] = random.random) -> None:
        self._random = source

    def choose(self, targets: Sequence[Target]) -> Target:
        """See Balancer."""
        one = self._pick(targets, None)
        two = self._pick(targets, one)
        return two if two.outstanding * one.weight < one.outstanding * two.weight else one

    def _pick(self, targets: Sequence[Target], besides: Target | None) -> Target:
        total = sum(target.weight for target in targets if target is not besides)
        point, last = self._random() * total, targets[0]
        for target in targets:
            if target is not besides:
                last = target
                point -= target.weight
                if point < 0:
                    break
        return last


BALANCERS: dict[str, Callable[[], Balancer]] = {
    "least_outstanding": LeastOutstanding,
    "p2c": PowerOfTwoChoices,
    "round_robin": RoundRobin,
}
