"""One look at everything each few seconds for all who watch, and none while nobody does."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from gateway.console.pages_read import PagesRead
from gateway.console.parts import limits, upstreams
from gateway.console.reading import Reading
from gateway.console.traffic import traffic

if TYPE_CHECKING:
    from gateway.runtime import Gateway

log = structlog.stdlib.get_logger(__name__)

_POINTS = 150
_WINDOW_SECONDS = 30.0
OWN_ROUTES = (
    "/console",
    "/console/events",
    "/console/traces",
    "/console/assets",
    "/metrics",
    "/health/ready",
    "/health/live",
)


class Sampler:
    """``join`` and ``leave`` stand around each watcher; ``latest`` is the newest sample, ``number`` which one it is."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._pages = PagesRead(gateway.fetcher, gateway.settings.console_metrics)
        self.watchers = 0
        self.number = 0
        self.latest = b""
        self._news = asyncio.Event()
        self._readings: deque[Reading] = deque()
        self._points: deque[dict[str, Any]] = deque(maxlen=_POINTS)
        self._task: asyncio.Task[None] | None = None

    def join(self) -> bool:
        """One more who watches; False when they are too many."""
        if self.watchers >= self._gateway.settings.console_watchers:
            return False
        self.watchers += 1
        if self._task is None:
            self._readings.clear()
            self._task = asyncio.get_running_loop().create_task(self._run(), name="console-sampler")
        return True

    def leave(self) -> None:
        """One less; nothing is looked at after the last."""
        self.watchers -= 1
        if not self.watchers and self._task is not None:
            self._task.cancel()
            self._task = None

    def history(self) -> bytes:
        """What the charts show, as JSON: points of the last minutes, with gaps where nobody watched."""
        return orjson.dumps({"seconds": self._gateway.settings.console_seconds, "points": list(self._points)})

    async def after(self, number: int, seconds: float) -> bool:
        """Wait up to ``seconds`` for a sample newer than ``number``; whether there is one."""
        if self.number <= number:
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                return False
        return True

    async def _run(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:
                # A watcher sees that nothing comes; the next look may go well.
                log.exception("console_sample_failed")
            await asyncio.sleep(self._gateway.settings.console_seconds)

    async def _look(self) -> None:
        gateway = self._gateway
        told, checks, pages = await asyncio.gather(gateway.team.metrics(), gateway.checks.states(), self._pages.now())
        counted = await gateway.team.duties["snapshot"]({}) if told is None else told
        now = Reading.of(counted, time.monotonic())
        self._readings.append(now)
        # The oldest goes once the one after it covers the window: two are left at least, where there are two.
        while len(self._readings) > 1 and now.at - self._readings[1].at >= _WINDOW_SECONDS:
            self._readings.popleft()
        if len(self._readings) == 1:
            # Rates need two; the first comes soon.
            await asyncio.sleep(min(0.5, gateway.settings.console_seconds))
            await self._look()
            return
        before, oldest = self._readings[-2], self._readings[0]
        long_lived = {route.name for route in gateway.table.routes if route.stream} | {"/console/events"}
        whole = traffic(now, before, long_lived, OWN_ROUTES)[0]
        point = {"at": round(time.time(), 3), **{name: whole[name] for name in whole if name != "route"}}
        self._points.append(point)
        self.latest = orjson.dumps(
            {
                "point": point,
                "window": round(now.at - oldest.at, 1),
                "in_flight": now.value("gateway_requests_in_flight"),
                "streams": now.value("gateway_streams"),
                "connections": sum(value for _, value in now.rows("gateway_client_connections")),
                "workers": now.value("gateway_workers_accepting") or 1,
                "checks": checks,
                "routes": traffic(now, oldest, long_lived, OWN_ROUTES),
                "upstreams": upstreams(now, oldest, checks),
                "limits": limits(now, oldest),
                "pages": pages,
            },
            option=orjson.OPT_NON_STR_KEYS,
        )
        self.number += 1
        self._news.set()
        self._news = asyncio.Event()
