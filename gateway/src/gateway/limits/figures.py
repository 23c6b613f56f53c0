"""The figures of one limit for one tier, as the script wants them and as the headers say them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.routes.model import LimitPolicy

# The numbers that the script calls them by. Three of the algorithms are one arithmetic: the generic cell rate
# algorithm keeps a single moment a key (ITU-T I.371, appendix I shows that bucket and spacing are the same).
SPACING, SLIDING_WINDOW, SLIDING_LOG, SLIDING_COUNTER, FIXED_WINDOW = range(1, 6)
CODES = {
    "token_bucket": SPACING,
    "leaky_bucket": SPACING,
    "leaky_queue": SPACING,
    "sliding_window": SLIDING_WINDOW,
    "sliding_log": SLIDING_LOG,
    "sliding_counter": SLIDING_COUNTER,
    "fixed_window": FIXED_WINDOW,
}


@dataclass(frozen=True, slots=True)
class Figures:
    """``quota`` requests in ``window`` seconds, ``burst`` of them at once, of which one request takes ``cost``."""

    algorithm: str
    quota: int
    window: float
    burst: int
    cost: int = 1

    @property
    def code(self) -> int:
        """The script's number of the algorithm."""
        return CODES[self.algorithm]

    @property
    def span(self) -> int:
        """Microseconds: of the window, or of what a unit adds to a key's moment, rounded up to never admit more."""
        if self.code == SPACING:
            return math.ceil(self.window * 1_000_000 / self.quota)
        return round(self.window * 1_000_000)

    @property
    def figure(self) -> int:
        """The quota, or the microseconds that a key may run ahead of the clock."""
        return self.burst * self.span if self.code == SPACING else self.quota

    @property
    def at_once(self) -> int:
        """``q`` of RateLimit-Policy: what can be asked at one moment."""
        return self.burst if self.code == SPACING else self.quota

    @property
    def seconds(self) -> int:
        """``w`` of RateLimit-Policy: in what time ``q`` comes back, at least a second."""
        share = self.burst / self.quota if self.code == SPACING else 1
        return max(1, math.ceil(round(self.window * share, 6)))

    @property
    def arguments(self) -> tuple[int, int, int, int]:
        """What the script is given."""
        return self.code, self.figure, self.span, self.cost

    def times(self, part: float) -> Figures:
        """The same with a part of quota and burst, never less than one; a queue keeps its length."""
        quota = _whole(self.quota * part)
        burst = self.burst if self.algorithm == "leaky_queue" else _whole(self.burst * part)
        return replace(self, quota=quota, burst=burst, cost=min(self.cost, burst if self.code == SPACING else quota))


def _whole(number: float) -> int:
    # 1 - 0.8 is less than 0.2 to a float.
    return max(1, int(number + 1e-6))


def figures(policy: LimitPolicy, tier: str | None, cost: int, scale: float) -> Figures:
    """Of one tier of a limit, None for who is not known; ``scale`` multiplies quota and burst."""
    quota = policy.quota_of(tier)[1]
    burst = policy.burst or quota.quota
    if policy.queue is not None:
        burst = policy.queue + 1
    return Figures(policy.algorithm, quota.quota, quota.window, burst, cost).times(scale)
