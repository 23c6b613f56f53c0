"""One target of an upstream: its pool of connections and what is known of how it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.upstream.ejection import Record
from gateway.upstream.outcome import Outcome
from gateway.upstream.pool import Pool

if TYPE_CHECKING:
    from gateway.routes.model import TargetModel
    from gateway.upstream.health import Health
    from gateway.upstream.slow_start import SlowStart
    from gateway.upstream.upstream import Upstream


class Target:
    """``began`` and ``ended`` stand around every attempt, whatever comes; ``before`` is what a reload replaces."""

    def __init__(self, upstream: Upstream, model: TargetModel, pool: Pool | None, before: Target | None) -> None:
        self.upstream = upstream
        self.url = model.url
        self.full_weight = float(model.weight)
        # Less than the full one during a slow start.
        self.weight = self.full_weight
        self.pool = pool or Pool(upstream.name, upstream.model, model.url)
        self.name = self.pool.authority.decode()
        # Attempts under way, and attempts by their outcome: of the one before too, for a counter never goes down.
        self.outstanding = 0
        self.outcomes = before.outcomes if before else [0] * len(Outcome)
        self.record = Record()
        self.record.total = before.record.total if before else 0
        self.health: Health | None = None
        self.rising: SlowStart | None = None

    @property
    def usable(self) -> bool:
        """Whether it is to get attempts, as far as it alone is concerned."""
        return not self.record.ejected and (self.health is None or self.health.healthy)

    def began(self) -> None:
        """An attempt is to be made here: called before the pool is asked."""
        self.outstanding += 1

    def ended(self, outcome: Outcome, seconds: float) -> None:  # noqa: ARG002 - the time is for who asks for the request
        """It is over; ``seconds`` from when the request was through until the head of its answer came."""
        self.outstanding -= 1
        self.outcomes[outcome] += 1
        if self.upstream.ejection is not None and (outcome or self.record.consecutive):
            self.upstream.judge(self, outcome)

    def state(self) -> dict[str, object]:
        """For people who look after it."""
        return {
            "url": self.url,
            "usable": self.usable,
            "ejected": self.record.ejected,
            "ejections": self.record.total,
            "healthy": self.health.healthy if self.health else None,
            "weight": round(self.weight, 2),
            "outstanding": self.outstanding,
            "connections": self.pool.size,
            "waiting": self.pool.waiting,
        }
