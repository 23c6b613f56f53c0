"""Questions and answers between the supervisor and one worker: JSON behind its length, over a socket pair.

Both ends are alike. A question names a duty of the other end; its answer comes back as the value of a future.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import orjson
import structlog

log = structlog.stdlib.get_logger(__name__)

Duty = Callable[[dict[str, Any]], Awaitable[Any]]
_LENGTH = 4
# A scrape of thousands of series is a few megabytes; what is larger is no message of ours.
_LARGEST = 64_000_000


class ChannelError(Exception):
    """The other end is gone, has no such duty, or failed at it."""


class Channel(asyncio.Protocol):
    """One end. ``duties`` are what the other end may ask for; ``on_lost`` is called when that has gone."""

    def __init__(self, duties: Mapping[str, Duty], on_lost: Callable[[], None]) -> None:
        self._duties = duties
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._last = 0
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, end: socket.socket) -> None:
        """Speak over ``end``, which belongs to the channel from now on."""
        await self._loop.create_unix_connection(lambda: self, sock=end)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    async def ask(self, duty: str, seconds: float, /, **arguments: Any) -> Any:
        """The other end's answer. Raises ChannelError, also when it takes longer than ``seconds``."""
        if self._transport is None:
            raise ChannelError("closed")
        self._last += 1
        number = self._last
        answer = self._asked[number] = self._loop.create_future()
        self._send({"ask": number, "duty": duty, "arguments": arguments})
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError as error:
            raise ChannelError("late") from error
        finally:
            del self._asked[number]

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to speak."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take each whole message out of what has come."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= _LENGTH:
            end = _LENGTH + int.from_bytes(buffer[:_LENGTH], "big")
            if len(buffer) < end:
                return
            message = orjson.loads(bytes(buffer[_LENGTH:end]))
            del buffer[:end]
            self._take(message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a loss is a loss
        """Whoever waits for an answer is told."""
        self._transport = None
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ChannelError("lost"))
        self._on_lost()

    def _take(self, message: dict[str, Any]) -> None:
        if "ask" in message:
            task = self._loop.create_task(self._answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        answer = self._asked.get(message["reply"])
        if answer is not None and not answer.done():
            if "error" in message:
                answer.set_exception(ChannelError(message["error"]))
            else:
                answer.set_result(message["value"])

    async def _answer(self, message: dict[str, Any]) -> None:
        number, name = message["ask"], message["duty"]
        try:
            value = await self._duties[name](message["arguments"])
            reply = orjson.dumps({"reply": number, "value": value})
        except Exception as error:
            log.exception("duty_failed", duty=name)
            reply = orjson.dumps({"reply": number, "error": type(error).__name__})
        self._write(reply)

    def _send(self, message: dict[str, Any]) -> None:
        self._write(orjson.dumps(message))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and len(data) <= _LARGEST:
            self._transport.write(len(data).to_bytes(_LENGTH, "big") + data)
