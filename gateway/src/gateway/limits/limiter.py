"""The limits step: collects the limits of all requests of one loop tick and asks Redis once for all of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hiredis
import structlog

from gateway.data.client_address import limit_key
from gateway.limits.local_share import LocalShare
from gateway.limits.redis_link import RedisLink
from gateway.limits.verdict import UNLIMITED, Check, Reading, Verdict, closed, judge

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.routes.model import RoutesModel
    from gateway.telemetry.metrics import Metrics

log = structlog.stdlib.get_logger(__name__)

# What a request waits for Redis at most before its route's mode decides (TRAPS, rate limiting 6). The last part lets
# the loop read once more: it may be this process that was late, with the reply in the socket.
_PATIENCE = (0.042, 0.008)
# A connection whose reply is later than that is given up.
_LOST_AFTER = 1.0
_BATCH = 64
_PREFIX = "gatehouse:limit"

SCRIPT = (Path(__file__).parent / "sliding_window.lua").read_text()

Asked = tuple["Exchange", list[Check]]


class Limiter:
    """``check`` calls ``exchange.on_verdict``."""

    def __init__(self, url: str, model: RoutesModel, scale: float, metrics: Metrics) -> None:
        self._policies = model.limits
        self._scale = scale
        self._metrics = metrics
        self._local = LocalShare(model.local_share)
        self._asked: list[Asked] = []
        self._loop = asyncio.get_running_loop()
        self.link = RedisLink(url, SCRIPT, self._on_change)
        self._late: set[object] = set()
        metrics.limiter_up(up=False)

    @property
    def up(self) -> bool:
        """Whether limits are counted in Redis: the link stands, and no reply is overdue."""
        return self.link.up and not self._late

    def reload(self, model: RoutesModel) -> None:
        """Take the figures of a new routes file."""
        self._policies = model.limits
        self._local = LocalShare(model.local_share)

    def check(self, exchange: Exchange) -> None:
        """All limits of the request's route, or none of them, are charged."""
        assert exchange.match is not None  # noqa: S101 - only a routed request has limits
        names = exchange.match.route.limits
        if not names:
            exchange.on_verdict(UNLIMITED)
            return
        checks = [self._limit(name, exchange) for name in names]
        if not self.up:
            self._without_redis(exchange, checks)
            return
        if not self._asked:
            self._loop.call_soon(self._flush)
        self._asked.append((exchange, checks))

    def _limit(self, name: str, exchange: Exchange) -> Check:
        policy = self._policies[name]
        principal = exchange.principal
        if policy.by == "client" and principal is not None:
            tier = policy.tiers.get(principal.limit_tier) or policy.tiers.get("free") or policy.anonymous
            who = f"user:{principal.subject}"
        else:
            tier, who = policy.anonymous, f"address:{limit_key(exchange.address)}"
        quota = max(1, int(tier.quota * self._scale))
        return Check(name, f"{_PREFIX}:{name}:{tier.window:g}:{who}", quota, tier.window)

    def _flush(self) -> None:
        asked, self._asked = self._asked, []
        for start in range(0, len(asked), _BATCH):
            self._send(asked[start : start + _BATCH])

    def _send(self, asked: list[Asked]) -> None:
        keys: list[str] = []
        arguments: list[int] = []
        for _, checks in asked:
            arguments.append(len(checks))
            for check in checks:
                keys.append(check.key)
                arguments += (check.quota, int(check.window * 1000))
        rest = (len(keys), *keys, *arguments)
        batch = _Batch(self, asked)

        def on_reply(reply: Any) -> None:
            if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
                # Redis was restarted or flushed under us; EVAL loads the script again.
                self.link.call("EVAL", SCRIPT, *rest, on_reply=on_reply)
                return
            batch.on_reply(reply)

        self.link.call("EVALSHA", self.link.script_sha, *rest, on_reply=on_reply)

    def overdue(self, batch: object, asked: list[Asked]) -> None:
        """A reply is late: its requests are decided without it, and so are all others until it is there."""
        log.warning("limiter_redis_late")
        self._late.add(batch)
        self._metrics.limiter_up(up=False)
        for exchange, checks in asked:
            self._without_redis(exchange, checks)

    def caught_up(self, batch: object) -> None:
        """The late reply came, or the connection is given up."""
        self._late.discard(batch)
        if self.up:
            self._on_change(True)

    def on_reply(self, asked: list[Asked], reply: Any) -> None:
        """What Redis said, or why it did not."""
        if isinstance(reply, Exception):
            if isinstance(reply, hiredis.ReplyError):
                log.warning("limiter_redis_refused", error=str(reply).split(" ", 1)[0])
            for exchange, checks in asked:
                self._without_redis(exchange, checks)
            return
        for (exchange, checks), (admitted, *numbers) in zip(asked, reply, strict=True):
            readings = [Reading(numbers[i], numbers[i + 1] / 1000) for i in range(0, len(numbers), 2)]
            self._tell(exchange, judge(checks, readings, admitted=bool(admitted), outcome="allowed"))

    def _without_redis(self, exchange: Exchange, checks: list[Check]) -> None:
        assert exchange.match is not None  # noqa: S101 - see check
        mode = exchange.match.route.redis_down
        if mode == "open":
            self._tell(exchange, Verdict("open"))
        elif mode == "closed":
            self._tell(exchange, closed())
        else:
            scaled = [self._local.scaled(check) for check in checks]
            admitted, readings = self._local.take(scaled)
            self._tell(exchange, judge(scaled, readings, admitted=admitted, outcome="local"))

    def _tell(self, exchange: Exchange, verdict: Verdict) -> None:
        self._metrics.limit(verdict.outcome)
        exchange.on_verdict(verdict)

    def _on_change(self, up: bool) -> None:  # noqa: FBT001 - a callback
        self._metrics.limiter_up(up=up)
        if up:
            self._local.clear()


class _Batch:
    """One call in flight: its patience, and what becomes of a reply that comes after it."""

    def __init__(self, limiter: Limiter, asked: list[Asked]) -> None:
        self._limiter = limiter
        self._asked = asked
        self._overdue = False
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_PATIENCE[0], self._on_late)

    def _on_late(self) -> None:
        self._timer = self._loop.call_later(_PATIENCE[1], self._on_overdue)

    def _on_overdue(self) -> None:
        self._overdue = True
        self._timer = self._loop.call_later(_LOST_AFTER, self._limiter.link.drop)
        self._limiter.overdue(self, self._asked)

    def on_reply(self, reply: Any) -> None:
        self._timer.cancel()
        if self._overdue:
            self._limiter.caught_up(self)
        else:
            self._limiter.on_reply(self._asked, reply)
