"""A bounded pool of connections to one target; who waits for one waits for a limited time of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import structlog

from gateway.tls import client_context
from gateway.upstream.connection import Connection
from gateway.upstream.known_answers import KnownAnswers

if TYPE_CHECKING:
    from gateway.routes.model import UpstreamModel

log = structlog.stdlib.get_logger(__name__)


class Waiter(Protocol):
    """Who wants a connection."""

    def on_connection(self, connection: Connection, *, reused: bool) -> None:
        """Here it is."""
        ...

    def on_no_connection(self, *, late: bool) -> None:
        """Connecting failed; ``late`` when it took too long rather than being refused."""
        ...


class Pool:
    """Connections of one target of an upstream: idle ones (the newest first), and those in use or being made."""

    def __init__(self, name: str, model: UpstreamModel, origin: str) -> None:
        self.name = name
        self.model = model
        url = urlsplit(origin)
        self.host = url.hostname or ""
        self.port = url.port or (443 if url.scheme == "https" else 80)
        self.authority = url.netloc.encode()
        self._tls = client_context() if url.scheme == "https" else None
        self.known = KnownAnswers()
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._waiting: deque[Waiter] = deque()
        self._loop = asyncio.get_running_loop()
        self._sweep: asyncio.TimerHandle | None = None
        # No longer for new requests.
        self.closing = False

    @property
    def size(self) -> int:
        """Open connections, and those being made."""
        return len(self._all) + len(self._connecting)

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection."""
        return len(self._waiting)

    def acquire(self, waiter: Waiter, *, fresh: bool = False) -> str:
        """Give ``waiter`` a connection: "given" at once, "connecting", "queued", or "full" when too many wait.

        ``fresh`` asks for one that no earlier request used, for the retry of a request that a stale one lost.
        """
        while self._idle and not fresh:
            connection = self._idle.pop()
            if not connection.closed and not connection.transport.is_closing():
                waiter.on_connection(connection, reused=True)
                return "given"
        if fresh and self._idle and self.size >= self.model.max_connections:
            self._idle.pop(0).close()
        if self.size < self.model.max_connections:
            self._connect(waiter if fresh else None)
            if not fresh:
                self._waiting.append(waiter)
            return "connecting"
        if len(self._waiting) >= self.model.max_waiting:
            return "full"
        self._waiting.append(waiter)
        return "queued"

    def give_up(self, waiter: Waiter) -> None:
        """The waiter's time is over, or its client is gone."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def release(self, connection: Connection) -> None:
        """The connection's answer is through: to whoever waits, else idle."""
        if self._waiting:
            self._waiting.popleft().on_connection(connection, reused=True)
        elif self.closing:
            connection.close()
        else:
            connection.idle_since = self._loop.time()
            self._idle.append(connection)
            if self._sweep is None:
                self._sweep = self._loop.call_later(self.model.keep_alive / 2, self._close_idle)

    def forget(self, connection: Connection) -> None:
        """The connection is closed; make another if somebody waits for it."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if len(self._waiting) > len(self._connecting) and self.size < self.model.max_connections:
            self._connect(None)

    def close(self) -> None:
        """Close what is idle now, and the rest as it comes back."""
        self.closing = True
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._idle):
            connection.close()

    def _connect(self, waiter: Waiter | None) -> None:
        task = self._loop.create_task(self._open(waiter))
        self._connecting.add(task)

    async def _open(self, waiter: Waiter | None) -> None:
        failed, late = False, False
        connection = Connection(self)
        try:
            async with asyncio.timeout(self.model.connect):
                await self._loop.create_connection(
                    lambda: connection,
                    self.host,
                    self.port,
                    ssl=self._tls,
                    server_hostname=self.host if self._tls else None,
                )
        except TimeoutError:
            failed, late = True, True
        except OSError as error:
            log.warning("upstream_connect_failed", upstream=self.name, error=type(error).__name__)
            failed = True
        finally:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a coroutine runs in one
            self._connecting.discard(task)
        if failed or connection.closed:
            waiter = waiter or (self._waiting.popleft() if self._waiting else None)
            if waiter is not None:
                waiter.on_no_connection(late=late)
            return
        self._all.add(connection)
        if waiter is not None:
            waiter.on_connection(connection, reused=False)
        elif self._waiting:
            self._waiting.popleft().on_connection(connection, reused=False)
        else:
            self.release(connection)

    def _close_idle(self) -> None:
        self._sweep = None
        old = self._loop.time() - self.model.keep_alive
        for connection in [c for c in self._idle if c.idle_since <= old]:
            connection.close()
        if self._idle:
            self._sweep = self._loop.call_later(self.model.keep_alive / 2, self._close_idle)
