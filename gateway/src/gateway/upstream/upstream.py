"""A service behind the gateway: the targets it runs at, which of them gets an attempt, and what is let in at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from gateway.upstream.admission import Admission
from gateway.upstream.balancing import BALANCERS
from gateway.upstream.ejection import Ejection
from gateway.upstream.health import Health, keep_checking
from gateway.upstream.retry_budget import RetryBudget
from gateway.upstream.shares import Shares
from gateway.upstream.slow_start import SlowStart
from gateway.upstream.target import Target

if TYPE_CHECKING:
    from gateway.routes.model import UpstreamModel
    from gateway.upstream.fetch import Fetcher
    from gateway.upstream.outcome import Outcome

log = structlog.stdlib.get_logger(__name__)


class Upstream:
    """One of the routes file's upstreams; ``before`` is what a reload replaces, whose connections are taken over."""

    def __init__(self, name: str, model: UpstreamModel, before: Upstream | None = None) -> None:
        self.name = name
        self.model = model
        known = {target.url: target for target in before.targets} if before else {}
        pools = {url: target.pool for url, target in known.items()} if before and _alike(before.model, model) else {}
        self.targets = tuple(Target(self, place, pools.get(place.url), known.get(place.url)) for place in model.places)
        self.retry_budget = RetryBudget()
        self.capacity = model.max_connections * len(self.targets)
        self.shares = Shares()
        self.admission = Admission(model, self.capacity)
        if before:
            self.admission.count_on(before.admission)
        several = len(self.targets) > 1
        self.ejection = Ejection(model.ejection, len(self.targets)) if model.ejection and several else None
        # Whether so few targets are usable that all of them are used.
        self.panicking = False
        self._balancer = BALANCERS[model.balancing]()
        self._in_use = self.targets
        self._only = None if several else self.targets[0]
        self._loop = asyncio.get_running_loop()
        self._returns: dict[Target, asyncio.TimerHandle] = {}
        self._checks: list[asyncio.Task[None]] = []
        for target in self.targets if before else ():
            if target.url not in known:
                self._raise_slowly(target)

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection."""
        return sum(target.pool.waiting for target in self.targets) + self.shares.waiting

    def choose(self, exclude: Target | None = None) -> Target | None:
        """The target for an attempt, another than ``exclude``; None when there is no other."""
        if exclude is None:
            return self._only or self._balancer.choose(self._in_use)
        others = [target for target in self._in_use if target is not exclude]
        return self._balancer.choose(others) if others else None

    def url(self, path: str) -> str:
        """Of a path at one of the targets, for a request of the gateway's own."""
        target = self.choose()
        return (target or self.targets[0]).url + path

    # What is learnt of the targets

    def start_checks(self, fetcher: Fetcher) -> None:
        """Ask the targets how they are, when the routes file says so."""
        if self.model.health_checks is None:
            return
        for target in self.targets:
            target.health = Health(self.model.health_checks)
            check = keep_checking(target, target.health, self.model.health, fetcher)
            self._checks.append(self._loop.create_task(check))

    def judge(self, target: Target, outcome: Outcome) -> None:
        """From the target: an attempt there is over."""
        assert self.ejection is not None  # noqa: S101 - asked for only where there is one
        seconds = self.ejection.judge(target.record, outcome, self._loop.time())
        if seconds:
            log.warning("target_ejected", upstream=self.name, target=target.name, seconds=seconds)
            self._returns[target] = self._loop.call_later(seconds, self._return, target)
            self._use_the_usable()

    def _return(self, target: Target) -> None:
        assert self.ejection is not None  # noqa: S101 - it ejected the target
        del self._returns[target]
        self.ejection.give_back(target.record, self._loop.time())
        log.info("target_returned", upstream=self.name, target=target.name)
        self._comes_back(target)

    def on_health(self, target: Target) -> None:
        """From its checks: it has become healthy or unhealthy."""
        assert target.health is not None  # noqa: S101 - it says so
        log.warning("target_health", upstream=self.name, target=target.name, healthy=target.health.healthy)
        self._comes_back(target)

    def _comes_back(self, target: Target) -> None:
        if target.usable and target not in self._in_use:
            self._raise_slowly(target)
        self._use_the_usable()

    def _raise_slowly(self, target: Target) -> None:
        if self.model.slow_start is not None:
            if target.rising is not None:
                target.rising.stop()
            target.rising = SlowStart(target, self.model.slow_start, self._loop)

    def _use_the_usable(self) -> None:
        usable = tuple(target for target in self.targets if target.usable)
        self.panicking = not usable or len(usable) < self.model.panic * len(self.targets)
        self._in_use = self.targets if self.panicking else usable

    def close(self, after: Upstream | None = None) -> None:
        """Close what is idle now, and the rest as it comes back; not the pools that ``after`` goes on with."""
        kept = {target.pool for target in after.targets} if after else set()
        for target in self.targets:
            if target.rising is not None:
                target.rising.stop()
            if target.pool not in kept:
                target.pool.close()
        for check in self._checks:
            check.cancel()
        for timer in self._returns.values():
            timer.cancel()

    def state(self) -> dict[str, object]:
        """For people who look after it: plain values, as JSON takes them."""
        admission, now = self.admission, self._loop.time()
        breaker, concurrency = admission.breaker, admission.concurrency
        return {
            "name": self.name,
            "balancing": self.model.balancing,
            "panicking": self.panicking,
            "waiting": self.waiting,
            "streams": admission.streams,
            "max_streams": admission.max_streams,
            "breaker": breaker.describe(now) if breaker else None,
            "concurrency": concurrency.state() if concurrency else None,
            "targets": [target.state() for target in self.targets],
        }


_OF_POOL = ("max_connections", "max_waiting", "wait", "connect", "keep_alive", "preserve_host")


def _alike(one: UpstreamModel, other: UpstreamModel) -> bool:
    """Whether the connections of one serve the other as they are."""
    return all(getattr(one, name) == getattr(other, name) for name in _OF_POOL)
