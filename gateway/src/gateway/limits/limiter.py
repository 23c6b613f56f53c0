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

# What a request waits for Redis at most before its route's mode decides (TRAPS, rate limiting 6).
PATIENCE = 0.05
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
        metrics.limiter_up(up=False)

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
        if not self.link.up:
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
        timer = self._loop.call_later(PATIENCE, self._on_late)

        def on_reply(reply: Any) -> None:
            if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
                # Redis was restarted or flushed under us; EVAL loads the script again.
                self.link.call("EVAL", SCRIPT, *rest, on_reply=on_reply)
                return
            timer.cancel()
            self._on_reply(asked, reply)

        self.link.call("EVALSHA", self.link.script_sha, *rest, on_reply=on_reply)

    def _on_late(self) -> None:
        log.warning("limiter_redis_late", seconds=PATIENCE)
        self.link.drop()

    def _on_reply(self, asked: list[Asked], reply: Any) -> None:
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
