"""The limits step on one Redis: collects the limits of all requests of one loop tick and asks once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hiredis
import structlog

from gateway.limits.limiting import AT_START, BATCH, LOST_AFTER, Limiting, calm
from gateway.limits.patience import PATIENCE, Patience
from gateway.limits.redis_link import RedisLink

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from gateway.data.exchange import Exchange
    from gateway.limits.plan import Plan
    from gateway.routes.model import RoutesModel

log = structlog.stdlib.get_logger(__name__)

SCRIPT = (Path(__file__).parent / "decide.lua").read_text()

Asked = tuple["Exchange", "Plan", list[str]]


class Limiter(Limiting):
    """Without a ``url`` there is no Redis: each process counts by itself. ``patience`` in seconds."""

    def __init__(
        self,
        url: str | None,
        model: RoutesModel,
        scale: float,
        registry: CollectorRegistry,
        *,
        overload: Callable[[], float] = calm,
        workers: int = 1,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(model, scale, registry, alone=url is None, overload=overload, workers=workers)
        self.patience = patience
        self._asked: list[Asked] = []
        self.link = RedisLink(url or "", SCRIPT)
        self._late: set[object] = set()

    async def start(self) -> None:
        """Begin to connect; for a moment Redis is waited for, so that requests that come first are counted there."""
        if not self.alone:
            self.link.start()
            await self.link.wait_up(AT_START)

    def stop(self) -> None:
        """Hang up."""
        self.link.stop()

    @property
    def up(self) -> bool:
        """Whether limits are counted in Redis: the link stands, and no reply is overdue."""
        return self.link.up and not self._late

    def check(self, exchange: Exchange) -> None:
        """All limits of the request's route, or none of them, are charged."""
        found = self.wanted(exchange)
        if found is None:
            return
        keys = found.keys(exchange)
        if not self.link.up or self._late:
            self.without_redis(exchange, found, keys)
            return
        if not self._asked:
            self.loop.call_soon(self._flush)
        self._asked.append((exchange, found, keys))

    def _flush(self) -> None:
        asked, self._asked = self._asked, []
        if len(asked) <= BATCH:
            self._send(asked)
            return
        for start in range(0, len(asked), BATCH):
            self._send(asked[start : start + BATCH])

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
            self.without_redis(exchange, wanted, keys)

    def caught_up(self, batch: object) -> None:
        """The late reply came, or the connection is given up."""
        self._late.discard(batch)

    def on_reply(self, asked: list[Asked], reply: Any) -> None:
        """What Redis said, or why it did not."""
        if isinstance(reply, Exception):
            if isinstance(reply, hiredis.ReplyError):
                log.warning("limiter_redis_refused", error=str(reply).split(" ", 1)[0])
            for exchange, wanted, keys in asked:
                self.without_redis(exchange, wanted, keys)
            return
        at = 0
        for exchange, wanted, _ in asked:
            self.tell(exchange, wanted.judge(reply, at, "allowed"))
            at += wanted.size


class _Batch:
    """One call in flight: its patience, and what becomes of a reply that comes after it."""

    def __init__(self, limiter: Limiter, asked: list[Asked], arguments: tuple[bytes | str | int, ...]) -> None:
        self._limiter = limiter
        self._asked = asked
        self._arguments = arguments
        self._overdue = False
        self._loop = asyncio.get_running_loop()
        self._timer: Patience | asyncio.TimerHandle = Patience(self._loop, limiter.patience, self._on_overdue)

    def send(self) -> None:
        """Ask."""
        link = self._limiter.link
        link.call("EVALSHA", link.script_sha, *self._arguments, on_reply=self._on_reply)

    def _on_overdue(self) -> None:
        self._overdue = True
        self._timer = self._loop.call_later(LOST_AFTER, self._limiter.link.drop)
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
