"""The relay's own line to the broker: publications in one write, their outcomes as they come.

A connection of its own because the broker stops reading from whoever publishes while its memory or disk is
short, and the acknowledgements of the process's consumers must not stand behind that.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Self

import structlog
from aio_pika.abc import AbstractConnection
from aiormq.abc import ChannelFrame
from aiormq.exceptions import AMQPChannelError

from shared.messaging.bus import CONNECTION_ERRORS, Bus, PublishFailed
from shared.messaging.confirms import ConfirmChannel, InFlight, Outcome
from shared.messaging.metrics import OUTBOX_BATCH, OUTBOX_BLOCKED, OUTBOX_CONFIRM

log = structlog.stdlib.get_logger(__name__)

_CHANNEL = 1
Settled = Callable[[Sequence[tuple[int, Outcome]]], None]


class ChannelClosedByBroker(PublishFailed):
    """One of the messages in flight is such that the broker ended the channel over it."""


class Publisher:
    """Publishes until the line is lost; then what is in flight may be there or not, and a new one is opened."""

    def __init__(self, connection: AbstractConnection, *, timeout: float, settled: Settled) -> None:
        if connection.transport is None:
            raise ConnectionError("the connection to the broker was lost")
        self._underlay = connection.transport.connection
        self._timeout = timeout
        self._tell = settled
        self._loop = asyncio.get_running_loop()
        self._progress_at = self._loop.time()
        self._channel = ConfirmChannel(self._underlay, _CHANNEL, settled=self._settled)
        self.frame_max: int = self._underlay.connection_tune.frame_max

    @classmethod
    @asynccontextmanager
    async def opened(cls, bus: Bus, *, settled: Settled, woken: Callable[[], None]) -> AsyncIterator[Self]:
        """A line of its own with confirms; ``woken`` is called when it is lost."""
        connection = await bus.connect_apart("relay")
        try:
            publisher = cls(connection, timeout=bus.publish_timeout, settled=settled)
            await publisher._open(woken)
            yield publisher
        finally:
            OUTBOX_BLOCKED.set(0)
            with contextlib.suppress(*CONNECTION_ERRORS):
                async with asyncio.timeout(5):
                    await connection.close()

    async def _open(self, woken: Callable[[], None]) -> None:
        self._underlay.channels[_CHANNEL] = self._channel
        async with asyncio.timeout(self._timeout):
            await self._channel.open()
        self._channel.closing.add_done_callback(lambda _: woken())

    @property
    def channel(self) -> int:
        """The number that frames carry."""
        return _CHANNEL

    @property
    def in_flight(self) -> int:
        """How many publications have no outcome."""
        return len(self._channel.in_flight)

    async def may_publish(self) -> bool:
        """Whether the broker takes publications now (``connection.blocked``: it is short of memory or disk)."""
        try:
            async with asyncio.timeout(0.001):
                await self._underlay.ready()
        except TimeoutError:
            if self.in_flight:
                # What is in flight stays unread for as long: that is no sign of a lost line.
                self._progress_at = self._loop.time()
            OUTBOX_BLOCKED.set(1)
            return False
        OUTBOX_BLOCKED.set(0)
        return True

    async def send(self, publications: Sequence[tuple[int, str, bytes]]) -> None:
        """Write all of them at once: ``(key, message_id, frames)`` each, in their order."""
        now = self._loop.time()
        if not self.in_flight:
            self._progress_at = now
        for key, message_id, _ in publications:
            self._channel.published(InFlight(key, message_id, now))
        OUTBOX_BATCH.observe(len(publications))
        payload = b"".join([frames for _, _, frames in publications])
        async with asyncio.timeout(self._timeout):
            await self._underlay.write_queue.put(ChannelFrame(payload=payload, should_close=False))

    async def check(self) -> None:
        """Raise PublishFailed when the line is lost or gives no outcomes any more (aio-pika#689).

        A broker that told us that it is blocked is waited for: who takes its silence for a lost line would connect
        and publish the same again and again.
        """
        closing = self._channel.closing
        if closing.done():
            error = None if closing.cancelled() else closing.exception()
            told = f"{type(error).__name__}: {error}"
            if isinstance(error, AMQPChannelError):
                raise ChannelClosedByBroker(told)
            raise PublishFailed(told)
        if not await self.may_publish():
            return
        if self.in_flight and self._loop.time() - self._progress_at > self._timeout:
            raise PublishFailed(f"no confirm within {self._timeout} s")

    def _settled(self, outcomes: list[tuple[InFlight, Outcome]]) -> None:
        if not outcomes:
            return
        self._progress_at = self._loop.time()
        OUTBOX_CONFIRM.observe(self._progress_at - outcomes[0][0].sent_at)
        self._tell([(publication.key, outcome) for publication, outcome in outcomes])
