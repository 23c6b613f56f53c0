"""One pipelined connection to Redis as a protocol: replies come back as callbacks, in order.

It is also the breaker: while the link is down nothing is sent, and one probe at a time, spaced with jitter, brings it
back, so that a Redis that returns is not met by a storm.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import hiredis
import structlog

from gateway.tls import client_context

log = structlog.stdlib.get_logger(__name__)

OnReply = Callable[[Any], None]
_CONNECT_SECONDS = 1.0
_PROBE_SECONDS = (0.3, 0.7)


class LinkDownError(Exception):
    """The reply will not come."""


class RedisLink(asyncio.Protocol):
    """Connects by itself and for ever; ``up`` says whether calls are taken."""

    def __init__(
        self, url: str, script: str, *, name: str = "limiter", on_up: Callable[[], None] | None = None
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 6379
        self._tls = client_context() if parts.scheme == "rediss" else None
        self._username, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._database = parts.path.strip("/") or "0"
        self._script = script
        self._name, self._on_up = name, on_up
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader()
        self._pending: deque[OnReply] = deque()
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._first_up = asyncio.Event()
        self.script_sha = ""
        self.up = False

    def start(self) -> None:
        """Begin to connect."""
        self._task = self._loop.create_task(self._keep_connected())

    async def wait_up(self, seconds: float) -> None:
        """For the start: requests that come first should find the limits counting."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._first_up.wait()

    def stop(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
        self.drop()

    def call(self, *command: bytes | str | int, on_reply: OnReply) -> None:
        """Send one command; ``on_reply`` gets the reply, a hiredis.ReplyError or a LinkDownError."""
        if self._transport is None:
            on_reply(LinkDownError())
            return
        self._pending.append(on_reply)
        self._transport.write(hiredis.pack_command(command))  # pyright: ignore[reportArgumentType] - str and int are packed too

    def drop(self) -> None:
        """Give the connection up, for example because a reply is late: those behind it would be as late."""
        transport = self._transport
        self.connection_lost(None)
        if transport is not None:
            transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Not up yet: the handshake follows."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._reader = hiredis.Reader()

    def data_received(self, data: bytes) -> None:
        """Hand each reply to its caller."""
        self._reader.feed(data)
        while self._pending:
            try:
                reply = self._reader.gets()
            except hiredis.ProtocolError:
                self.drop()
                return
            if reply is False:
                return
            self._pending.popleft()(reply)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a loss is a loss
        """Everybody who waits is told."""
        if self._transport is None:
            return
        self._transport = None
        pending, self._pending = self._pending, deque()
        if self.up:
            self.up = False
            log.warning("redis_lost", link=self._name)
        for on_reply in pending:
            on_reply(LinkDownError())
        self._lost.set()

    async def _keep_connected(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    self._lost.clear()
                    await self._loop.create_connection(lambda: self, *self._place(), ssl=self._tls)
                    await self._handshake()
                self.up = True
                self._first_up.set()
                log.info("redis_up", link=self._name)
                if self._on_up is not None:
                    self._on_up()
                await self._lost.wait()
            except (OSError, TimeoutError, LinkDownError, hiredis.ReplyError) as error:
                log.debug("redis_probe_failed", link=self._name, error=type(error).__name__)
                self.drop()
            await asyncio.sleep(self._pause())

    def _place(self) -> tuple[str, int]:
        return self._host, self._port

    def _pause(self) -> float:
        return random.uniform(*_PROBE_SECONDS)  # noqa: S311 - jitter

    async def _handshake(self) -> None:
        if self._password:
            login = (self._username, self._password) if self._username else (self._password,)
            await self._ask("AUTH", *login)
        await self._ask("SELECT", self._database)
        sha = await self._ask("SCRIPT", "LOAD", self._script)
        self.script_sha = sha.decode() if isinstance(sha, bytes) else str(sha)

    async def _ask(self, *command: str) -> Any:
        future: asyncio.Future[Any] = self._loop.create_future()

        def on_reply(reply: Any) -> None:
            if future.done():
                return
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)

        self.call(*command, on_reply=on_reply)
        return await future
