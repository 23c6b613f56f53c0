"""All limits of a route for the clients of one tier: worked out once, then asked about again and again."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.limits.counted import counted
from gateway.limits.figures import SPACING, Figures, figures
from gateway.limits.verdict import Verdict, rejected

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.routes.model import LimitPolicy

# What names who is counted, from the limit's ``by``.
Naming = Callable[[tuple[str, ...]], "Callable[[Exchange], str]"]

_PREFIX = "gatehouse:limit"
# The overload is taken in steps, so that there are few plans.
_STEPS = 16


class Rule:
    """One limit with its figures, and what of its answers is always the same."""

    def __init__(
        self,
        name: str,
        policy: LimitPolicy,
        figures: Figures,
        part: float,
        local_share: float,
        *,
        naming: Naming = counted,
    ) -> None:
        self.name = name
        self.policy = policy
        self.figures = figures
        # What is left of the quota at full overload.
        self.part = part
        self.local_share = policy.local_share or local_share
        self.prefix = f"{_PREFIX}:{figures.algorithm}:{name}:{figures.window:g}:"
        self.naming, self.counted = naming, naming(policy.by)
        self.quota, self.seconds = figures.at_once, figures.seconds
        self.cost, self.span = figures.cost, figures.span
        self.capacity = figures.figure
        self.spaced, self.queued = figures.code == SPACING, figures.algorithm == "leaky_queue"
        q, w = self.quota, self.seconds
        self.headers = (
            f'ratelimit-policy: "{name}";q={q};w={w}\r\nratelimit: "{name}";r=%d;t=%d\r\n'
            f"x-ratelimit-limit: {q}\r\nx-ratelimit-remaining: %d\r\nx-ratelimit-reset: %d\r\n"
        ).encode()

    def times(self, part: float) -> Rule:
        """The same with a part of its quota."""
        return Rule(self.name, self.policy, self.figures.times(part), self.part, self.local_share, naming=self.naming)

    def more_in(self, left: int, micros: int) -> int:
        """Microseconds until more than ``left`` is to be had, from what an admitted request was told."""
        if self.spaced and micros > 0:
            return max(0, micros - self.capacity + (left + 1) * self.span)
        return micros


class Plan:
    """Rules that are charged together."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.first = self.rules[0]
        self.single = len(self.rules) == 1
        self.size = 2 * len(self.rules)
        # As decide.lua reads it.
        self.packed = b"".join(struct.pack("<4d", *rule.figures.arguments) for rule in self.rules)
        self.adaptive = any(rule.part < 1 for rule in self.rules)
        self._tightened: dict[int, Plan] = {}
        self._local: dict[int, Plan] = {}
        self._parted: dict[int, Plan] = {}
        self._some: dict[tuple[tuple[int, ...], frozenset[int], int], Plan] = {}

    def at(self, level: float) -> Plan:
        """As it is under an overload of ``level``, 0 to 1."""
        step = min(_STEPS, max(0, round(level * _STEPS)))
        if not step:
            return self
        found = self._tightened.get(step)
        if found is None:
            rules = [rule.times(1 - step / _STEPS * (1 - rule.part)) if rule.part < 1 else rule for rule in self.rules]
            found = self._tightened[step] = Plan(rules)
        return found

    def local(self, workers: int) -> Plan:
        """What one of so many processes may admit by itself."""
        found = self._local.get(workers)
        if found is None:
            found = self._local[workers] = Plan([rule.times(rule.local_share / workers) for rule in self.rules])
        return found

    def parted(self, workers: int) -> Plan:
        """What one of so many processes may admit where nothing else counts: equal parts of the whole."""
        if workers == 1:
            return self
        found = self._parted.get(workers)
        if found is None:
            found = self._parted[workers] = Plan([rule.times(1 / workers) for rule in self.rules])
        return found

    def some(self, numbers: tuple[int, ...], local: frozenset[int] = frozenset(), workers: int = 1) -> Plan:
        """The rules of these numbers; those in ``local`` as one of so many processes counts them by itself."""
        found = self._some.get((numbers, local, workers))
        if found is None:
            rules = [self.local(workers).rules[number] if number in local else self.rules[number] for number in numbers]
            found = self._some[numbers, local, workers] = Plan(rules)
        return found

    def keys(self, exchange: Exchange) -> list[str]:
        """One a rule."""
        if self.single:
            rule = self.first
            return [rule.prefix + rule.counted(exchange)]
        return [rule.prefix + rule.counted(exchange) for rule in self.rules]

    def judge(self, told: Sequence[int], at: int, outcome: str) -> Verdict:
        """From the two numbers a rule that stand from ``at`` on, as decide.lua gives them."""
        left, micros, rule = told[at], told[at + 1], self.first
        if left < 0:
            return self._rejected(told, at)
        delay = micros - rule.cost * rule.span if rule.queued else 0
        if not self.single:
            for other in self.rules[1:]:
                at += 2
                if other.queued:
                    delay = max(delay, told[at + 1] - other.cost * other.span)
                # Of those that are left with the same part, the one that lasts longer.
                if (told[at] * rule.quota, -told[at + 1]) < (left * other.quota, -micros):
                    left, micros, rule = told[at], told[at + 1], other
        seconds = min(-(-rule.more_in(left, micros) // 1_000_000), rule.seconds)
        headers = rule.headers % (left, seconds, left, int(time.time()) + seconds + 1)
        return Verdict(outcome, headers, None, delay / 1_000_000)

    def _rejected(self, told: Sequence[int], at: int) -> Verdict:
        wait, left, rule = -1, 0, self.first
        for number, other in enumerate(self.rules):
            other_left, other_wait = -1 - told[at + 2 * number], told[at + 2 * number + 1]
            # Of those that refuse, the one to wait for longest.
            if other_left < other.cost and other_wait > wait:
                wait, left, rule = other_wait, other_left, other
        seconds = min(max(1, -(-wait // 1_000_000)), rule.seconds)
        headers = rule.headers % (left, seconds, left, int(time.time()) + seconds + 1)
        return rejected(rule.name, headers, rule.quota, rule.seconds, seconds)


def plan(
    policies: Sequence[tuple[str, LimitPolicy]],
    tier: str | None,
    cost: int,
    scale: float,
    local_share: float,
    *,
    naming: Naming = counted,
) -> Plan:
    """The limits of a route, by name, for a tier, None for who is not known."""
    return Plan(
        [
            Rule(
                name,
                policy,
                figures(policy, tier, cost, scale),
                policy.overloaded.get(policy.quota_of(tier)[0], 1.0),
                local_share,
                naming=naming,
            )
            for name, policy in policies
        ]
    )
