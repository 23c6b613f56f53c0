"""The routes file read again: when somebody asks (SIGHUP, admin) and when it changes; nothing under way is dropped.

It is read and compiled in a thread, so requests go on; taking the new routes is one step of the loop. A bad file is
refused as a whole and the old one stays (TRAPS, forwarding 11).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Counter, Gauge

from gateway.routes.load import RoutesError, load_routes
from gateway.routes.table import RouteTable

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.runtime import Gateway

log = structlog.stdlib.get_logger(__name__)

Stamp = tuple[int, int, int, int]


class Reloading:
    """``version`` names what is in force: the same for every process that read the same figures."""

    def __init__(self, gateway: Gateway, seen: Stamp | None) -> None:
        self._gateway = gateway
        self._path = gateway.settings.routes
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._asked: set[asyncio.Task[list[str]]] = set()
        # Of the reading before which it was taken: a change during the reading is read again.
        self._seen = seen
        registry = gateway.metrics.registry
        self._results = Counter("gateway_routes_reloads", "Reloads by result.", ("result",), registry=registry)
        self._good, self._refused = self._results.labels("taken"), self._results.labels("refused")
        self._success = Gauge(
            "gateway_routes_reload_success", "1 when the last reading of the routes file was taken.", registry=registry
        )
        self._when = Gauge(
            "gateway_routes_reload_success_timestamp_seconds", "When routes were last taken.", registry=registry
        )
        self.version = ""
        self.loaded_at = 0.0
        self.problems: list[str] = []
        self._taken(gateway.table)

    def start(self) -> None:
        """Watch the file, unless ROUTES_WATCH_SECONDS is 0."""
        if self._gateway.settings.watch_seconds:
            self._task = asyncio.get_running_loop().create_task(self._watch(self._gateway.settings.watch_seconds))

    def stop(self) -> None:
        """Watch no longer."""
        if self._task is not None:
            self._task.cancel()

    def soon(self) -> None:
        """From a signal."""
        task = asyncio.get_running_loop().create_task(self.now())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def now(self) -> list[str]:
        """Read the file; what is wrong with it as ``file:line: field: what``, nothing when it was taken."""
        async with self._lock:
            self._seen = stamp(self._path)
            try:
                table = await asyncio.to_thread(lambda: RouteTable(load_routes(self._path)))
                self._gateway.take(table)
            except RoutesError as error:
                self._refuse(str(error).splitlines())
                log.error("routes_refused", problems=self.problems)  # noqa: TRY400 - the file is at fault
            except Exception:
                self._refuse(["the routes could not be taken; see the log"])
                log.exception("reload_failed")
            else:
                self._good.inc()
                self._taken(table)
                log.info("routes_reloaded", routes=len(table.model.routes), version=self.version)
            return self.problems

    def _taken(self, table: RouteTable) -> None:
        self.problems = []
        self.version = hashlib.sha256(table.model.model_dump_json().encode()).hexdigest()[:12]
        self.loaded_at = time.time()
        self._success.set(1)
        self._when.set(self.loaded_at)

    def _refuse(self, problems: list[str]) -> None:
        self.problems = problems
        self._refused.inc()
        self._success.set(0)

    async def _watch(self, seconds: float) -> None:
        # Asked for rather than told by inotify, which says nothing on network file systems, nor of a link that is
        # swapped above the file (as Kubernetes does).
        before = self._seen
        while True:
            await asyncio.sleep(seconds)
            # In a thread: a file system that hangs must not stop the requests.
            now = await asyncio.to_thread(stamp, self._path)
            # Only once it has been the same twice: an editor writes in pieces, or away and back.
            if now is not None and now == before and now != self._seen:
                log.info("routes_changed")
                await self.now()
            before = now


def stamp(path: Path) -> Stamp | None:
    """What changes with the file's content, its replacement, or a link on the way to it; None when there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - in one call
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
