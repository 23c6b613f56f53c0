"""One target of an upstream: its pool of connections and what is known of how it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.upstream.pool import Pool

if TYPE_CHECKING:
    from gateway.routes.model import TargetModel
    from gateway.upstream.outcome import Outcome
    from gateway.upstream.upstream import Upstream


class Target:
    """``began`` and ``ended`` stand around every attempt, whatever comes of it."""

    def __init__(self, upstream: Upstream, model: TargetModel, pool: Pool | None) -> None:
        self.upstream = upstream
        self.url = model.url
        self.weight = float(model.weight)
        self.pool = pool or Pool(upstream.name, upstream.model, model.url)
        self.name = self.pool.authority.decode()
        # Attempts under way.
        self.outstanding = 0

    def began(self) -> None:
        """An attempt is to be made here: called before the pool is asked."""
        self.outstanding += 1

    def ended(self, outcome: Outcome, seconds: float) -> None:  # noqa: ARG002 - for who judges by it
        """It is over; ``seconds`` from when the request was through until the head of its answer came."""
        self.outstanding -= 1

    def state(self) -> dict[str, object]:
        """For people who look after it."""
        return {
            "url": self.url,
            "weight": self.weight,
            "outstanding": self.outstanding,
            "connections": self.pool.size,
            "waiting": self.pool.waiting,
        }
