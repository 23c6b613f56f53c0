"""The limits step: collects the limits of all requests of one loop tick and asks Redis once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hiredis
import structlog

from gateway.limits.local_share import LocalShare
from gateway.limits.metrics import LimitMetrics
from gateway.limits.plan import Plan, plan
from gateway.limits.redis_link import RedisLink
from gateway.limits.verdict import OPEN, UNLIMITED, Verdict, closed

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from gateway.data.exchange import Exchange
    from gateway.routes.model import RoutesModel
    from gateway.routes.table import Route

log = structlog.stdlib.get_logger(__name__)

# What a request waits for Redis at most before its route's mode decides (TRAPS, rate limiting 6). The last part lets
# the loop read once more: it may be this process that was late, with the reply in the socket.
_PATIENCE = (0.042, 0.008)
# A connection whose reply is later than that is given up.
_LOST_AFTER = 1.0
# How long the start waits for Redis.
_AT_START = 1.0
_BATCH = 64
# Tiers come from tokens: those that a route keeps plans for are bounded.
_MAX_TIERS = 64

SCRIPT = (Path(__file__).parent / "decide.lua").read_text()

Asked = tuple["Exchange", Plan, list[str]]


def calm() -> float:
    """No overload is known."""
    return 0.0


class Limiter:
    """``check`` calls ``exchange.on_verdict``.

    ``overload`` says how overloaded the system is, 0 to 1; limits that say so are tightened by it. ``workers`` is the
    number of processes that share this machine's part of a quota while Redis is away. Without a ``url`` there is none:
    each process counts its equal part of the whole quota, and one process alone all of it.
    """

    def __init__(
        self,
        url: str | None,
        model: RoutesModel,
        scale: float,
        registry: CollectorRegistry,
        *,
        overload: Callable[[], float] = calm,
        workers: int = 1,
    ) -> None:
        self._local_share = model.local_share
        self._scale = scale
        self._overload = overload
        self._workers = workers
        self._local = LocalShare()
        self._plans: dict[Route, dict[str | None, Plan]] = {}
        self._asked: list[Asked] = []
        self._loop = asyncio.get_running_loop()
        self.alone = url is None
        self.link = RedisLink(url or "", SCRIPT)
        self._late: set[object] = set()
        self.metrics = LimitMetrics(registry, None if self.alone else lambda: self.up, overload)

    async def start(self) -> None:
        """Begin to connect; for a moment Redis is waited for, so that requests that come first are counted there."""
        if not self.alone:
            self.link.start()
            await self.link.wait_up(_AT_START)

    def stop(self) -> None:
        """Hang up."""
        self.link.stop()

    @property
    def up(self) -> bool:
        """Whether limits are counted in Redis: the link stands, and no reply is overdue."""
        return self.link.up and not self._late

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
            "local_share": (1 if self.alone else self._local_share) / self._workers,
            "verdicts": dict(self.metrics.verdicts),
            "rejected": dict(self.metrics.rejected),
        }

    def check(self, exchange: Exchange) -> None:
        """All limits of the request's route, or none of them, are charged."""
        assert exchange.match is not None  # noqa: S101 - only a routed request has limits
        route = exchange.match.route
        if not route.policies:
            exchange.on_verdict(UNLIMITED)
            return
        principal = exchange.principal
        tier = None if principal is None else principal.limit_tier
        plans = self._plans.get(route)
        found = None if plans is None else plans.get(tier)
        if found is None:
            found = self._plan(route, tier)
        if found.adaptive:
            found = found.at(self._overload())
        keys = found.keys(exchange)
        if not self.link.up or self._late:
            self._without_redis(exchange, found, keys)
            return
        if not self._asked:
            self._loop.call_soon(self._flush)
        self._asked.append((exchange, found, keys))

    def _plan(self, route: Route, tier: str | None) -> Plan:
        made = plan(route.policies, tier, route.cost, self._scale, self._local_share)
        plans = self._plans.setdefault(route, {})
        if len(plans) < _MAX_TIERS:
            plans[tier] = made
        return made

    def _flush(self) -> None:
        asked, self._asked = self._asked, []
        if len(asked) <= _BATCH:
            self._send(asked)
            return
        for start in range(0, len(asked), _BATCH):
            self._send(asked[start : start + _BATCH])

    def _send(self, asked: list[Asked]) -> None:
        keys: list[str] = []
        plans: dict[Plan, int] = {}
        numbers: list[int] = []
        for _, wanted, its_keys in asked:
            keys += its_keys
            number = plans.get(wanted)
            if number is None:
                number = plans[wanted] = len(plans) + 1
            numbers.append(number)
        self.metrics.calls += 1
        _Batch(self, asked, (len(keys), *keys, bytes(numbers), *[wanted.packed for wanted in plans])).send()

    def overdue(self, batch: object, asked: list[Asked]) -> None:
        """A reply is late: its requests are decided without it, and so are all others until it is there."""
        log.warning("limiter_redis_late")
        self._late.add(batch)
        self.metrics.late += 1
        for exchange, wanted, keys in asked:
            self._without_redis(exchange, wanted, keys)

    def caught_up(self, batch: object) -> None:
        """The late reply came, or the connection is given up."""
        self._late.discard(batch)

    def on_reply(self, asked: list[Asked], reply: Any) -> None:
        """What Redis said, or why it did not."""
        if isinstance(reply, Exception):
            if isinstance(reply, hiredis.ReplyError):
                log.warning("limiter_redis_refused", error=str(reply).split(" ", 1)[0])
            for exchange, wanted, keys in asked:
                self._without_redis(exchange, wanted, keys)
            return
        at = 0
        for exchange, wanted, _ in asked:
            self._tell(exchange, wanted.judge(reply, at, "allowed"))
            at += wanted.size

    def _without_redis(self, exchange: Exchange, wanted: Plan, keys: list[str]) -> None:
        assert exchange.match is not None  # noqa: S101 - see check
        mode = "local" if self.alone else exchange.match.route.redis_down
        if mode == "open":
            self._tell(exchange, OPEN)
        elif mode == "closed":
            self._tell(exchange, closed())
        else:
            local = wanted.parted(self._workers) if self.alone else wanted.local(self._workers)
            self._tell(exchange, local.judge(self._local.take(local, keys), 0, "local"))

    def _tell(self, exchange: Exchange, verdict: Verdict) -> None:
        metrics = self.metrics
        metrics.verdicts[verdict.outcome] += 1
        if verdict.limit:
            metrics.rejected[verdict.limit] += 1
        if verdict.delay:
            metrics.delayed += 1
            metrics.delay_seconds += verdict.delay
        exchange.on_verdict(verdict)


class _Batch:
    """One call in flight: its patience, and what becomes of a reply that comes after it."""

    def __init__(self, limiter: Limiter, asked: list[Asked], arguments: tuple[bytes | str | int, ...]) -> None:
        self._limiter = limiter
        self._asked = asked
        self._arguments = arguments
        self._overdue = False
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_PATIENCE[0], self._on_late)

    def send(self) -> None:
        """Ask."""
        link = self._limiter.link
        link.call("EVALSHA", link.script_sha, *self._arguments, on_reply=self._on_reply)

    def _on_late(self) -> None:
        self._timer = self._loop.call_later(_PATIENCE[1], self._on_overdue)

    def _on_overdue(self) -> None:
        self._overdue = True
        self._timer = self._loop.call_later(_LOST_AFTER, self._limiter.link.drop)
        self._limiter.overdue(self, self._asked)

    def _on_reply(self, reply: Any) -> None:
        if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
            # Redis was restarted or flushed under us; EVAL loads the script again.
            self._limiter.link.call("EVAL", SCRIPT, *self._arguments, on_reply=self._on_reply)
            return
        self._timer.cancel()
        if self._overdue:
            self._limiter.caught_up(self)
        else:
            self._limiter.on_reply(self._asked, reply)
