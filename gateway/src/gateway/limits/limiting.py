"""What the limits step does wherever it counts: the plans of routes, the modes without Redis, the verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.limits.counted import counted
from gateway.limits.local_share import LocalShare
from gateway.limits.metrics import LimitMetrics
from gateway.limits.plan import Naming, Plan, plan
from gateway.limits.verdict import OPEN, UNLIMITED, Verdict, closed

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from gateway.data.exchange import Exchange
    from gateway.routes.model import RoutesModel
    from gateway.routes.table import Route

# A connection whose reply is later than that is given up.
LOST_AFTER = 1.0
# How long the start waits for Redis.
AT_START = 1.0
# Requests a call at most.
BATCH = 64
# Tiers come from tokens: those that a route keeps plans for are bounded.
_MAX_TIERS = 64


def calm() -> float:
    """No overload is known."""
    return 0.0


class Limiting:
    """``overload`` says how overloaded the system is, 0 to 1; limits that say so are tightened by it.

    ``workers`` is the number of processes that share this machine's part of a quota while Redis is away. Where it is
    ``alone`` each process counts its equal part of the whole quota, and one process alone all of it.
    """

    def __init__(
        self,
        model: RoutesModel,
        scale: float,
        registry: CollectorRegistry,
        *,
        alone: bool,
        overload: Callable[[], float],
        workers: int,
        naming: Naming = counted,
    ) -> None:
        self._local_share = model.local_share
        self._scale = scale
        self._overload = overload
        self._naming = naming
        self.workers = workers
        self.local = LocalShare()
        self._plans: dict[Route, dict[str | None, Plan]] = {}
        self.loop = asyncio.get_running_loop()
        self.alone = alone
        self.metrics = LimitMetrics(registry, None if alone else lambda: self.up, overload)

    @property
    def up(self) -> bool:
        """Whether limits are counted in Redis, all of them and without delay."""
        raise NotImplementedError

    def check(self, exchange: Exchange) -> None:
        """All limits of the request's route, or none of them, are charged; then ``exchange.on_verdict`` is called."""
        raise NotImplementedError

    async def start(self) -> None:
        """Begin to connect; for a moment Redis is waited for, so that requests that come first are counted there."""
        raise NotImplementedError

    def stop(self) -> None:
        """Hang up."""
        raise NotImplementedError

    def reload(self, model: RoutesModel) -> None:
        """A new routes file: its routes bring their limits along."""
        self._local_share = model.local_share
        self._plans = {}

    def state(self) -> dict[str, Any]:
        """For people: whether Redis counts, by how much limits are tightened, what became of requests."""
        return {
            "redis": "none" if self.alone else "up" if self.up else "down",
            "overload": self._overload(),
            "scale": self._scale,
            "local_share": (1 if self.alone else self._local_share) / self.workers,
            "verdicts": dict(self.metrics.verdicts),
            "rejected": dict(self.metrics.rejected),
        }

    def wanted(self, exchange: Exchange) -> Plan | None:
        """What the request is to be charged; None where nothing limits it, which it is told."""
        assert exchange.match is not None  # noqa: S101 - only a routed request has limits
        route = exchange.match.route
        if not route.policies:
            exchange.on_verdict(UNLIMITED)
            return None
        principal = exchange.principal
        tier = None if principal is None else principal.limit_tier
        plans = self._plans.get(route)
        found = None if plans is None else plans.get(tier)
        if found is None:
            found = self._plan(route, tier)
        if found.adaptive:
            found = found.at(self._overload())
        return found

    def _plan(self, route: Route, tier: str | None) -> Plan:
        made = plan(route.policies, tier, route.cost, self._scale, self._local_share, naming=self._naming)
        plans = self._plans.setdefault(route, {})
        if len(plans) < _MAX_TIERS:
            plans[tier] = made
        return made

    def without_redis(self, exchange: Exchange, wanted: Plan, keys: list[str]) -> None:
        """The route's mode decides."""
        assert exchange.match is not None  # noqa: S101 - see wanted
        mode = "local" if self.alone else exchange.match.route.redis_down
        if mode == "open":
            self.tell(exchange, OPEN)
        elif mode == "closed":
            self.tell(exchange, closed())
        else:
            local = wanted.parted(self.workers) if self.alone else wanted.local(self.workers)
            self.tell(exchange, local.judge(self.local.take(local, keys), 0, "local"))

    def tell(self, exchange: Exchange, verdict: Verdict) -> None:
        """Count it and hand it to the request."""
        metrics = self.metrics
        metrics.verdicts[verdict.outcome] += 1
        if verdict.limit:
            metrics.rejected[verdict.limit] += 1
        if verdict.delay:
            metrics.delayed += 1
            metrics.delay_seconds += verdict.delay
        exchange.on_verdict(verdict)
