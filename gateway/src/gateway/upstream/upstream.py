"""A service behind the gateway: the targets it runs at, and which of them gets an attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.upstream.balancing import BALANCERS, Balancer
from gateway.upstream.retry_budget import RetryBudget
from gateway.upstream.shares import Shares
from gateway.upstream.target import Target

if TYPE_CHECKING:
    from gateway.routes.model import UpstreamModel


class Upstream:
    """One of the routes file's upstreams; ``before`` is what a reload replaces, whose connections are taken over."""

    def __init__(self, name: str, model: UpstreamModel, before: Upstream | None = None) -> None:
        self.name = name
        self.model = model
        pools = {target.url: target.pool for target in before.targets} if before and _alike(before.model, model) else {}
        self.targets = tuple(Target(self, place, pools.get(place.url)) for place in model.places)
        self.shares = Shares()
        self.retry_budget = RetryBudget()
        self.capacity = model.max_connections * len(self.targets)
        self._balancer: Balancer = BALANCERS[model.balancing]()
        self._usable = self.targets
        self._only = self.targets[0] if len(self.targets) == 1 else None

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection."""
        return sum(target.pool.waiting for target in self.targets) + self.shares.waiting

    def choose(self, exclude: Target | None = None) -> Target | None:
        """The target for an attempt, another than ``exclude``; None when there is no other."""
        if exclude is None:
            return self._only or self._balancer.choose(self._usable)
        others = [target for target in self._usable if target is not exclude]
        return self._balancer.choose(others) if others else None

    def close(self, after: Upstream | None = None) -> None:
        """Close what is idle now, and the rest as it comes back; not the pools that ``after`` goes on with."""
        kept = {target.pool for target in after.targets} if after else set()
        for target in self.targets:
            if target.pool not in kept:
                target.pool.close()

    def state(self) -> dict[str, object]:
        """For people who look after it: plain values, as JSON takes them."""
        return {
            "name": self.name,
            "balancing": self.model.balancing,
            "waiting": self.waiting,
            "targets": [target.state() for target in self.targets],
        }


_OF_POOL = ("max_connections", "max_waiting", "wait", "connect", "keep_alive", "preserve_host")


def _alike(one: UpstreamModel, other: UpstreamModel) -> bool:
    """Whether the connections of one serve the other as they are."""
    return all(getattr(one, name) == getattr(other, name) for name in _OF_POOL)
