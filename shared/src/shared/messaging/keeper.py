"""Keeps a queue consumed: subscribes, watches, and subscribes again when the subscription is gone.

A consumer can vanish without a sign: the server cancels it when the queue is deleted or moves, a channel
closes, a reconnect forgets it (aio-pika#231, #334, #632, aiormq#187). So each loss that is told is
heard, and every few seconds the broker is asked whether it still knows a consumer of the queue.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from shared.messaging.backoff import Backoff
from shared.messaging.bus import CONNECTION_ERRORS, Bus, PublishFailed
from shared.messaging.cancellation import raise_if_cancelled
from shared.messaging.metrics import RESUBSCRIBED
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

WATCH_SECONDS = 5.0
DRAIN_SECONDS = 10.0


class Keeper:
    """Consumes one queue until cancelled.

    ``prepare`` declares what the queue needs, each time before the subscription. ``receive``
    is given each message and settles it; messages are handed over one at a time, in order.
    """

    def __init__(
        self,
        bus: Bus,
        queue: str,
        *,
        prepare: Callable[[], Awaitable[None]],
        receive: Callable[[AbstractIncomingMessage], Awaitable[None]],
        prefetch: int = 1,
        watch_seconds: float = WATCH_SECONDS,
    ) -> None:
        self._bus = bus
        self._queue = queue
        self._prepare = prepare
        self._handle = receive
        self._prefetch = prefetch
        self._watch_seconds = watch_seconds
        self._one_at_a_time = asyncio.Lock()
        self._stopping = False
        self.subscribed = False

    async def run(self) -> None:
        """Be subscribed, through every failure, until cancelled; then let the message at hand end."""
        backoff = Backoff(first=0.2, most=5.0)
        while True:
            try:
                await self._consume_until_lost()
                backoff.reset()
            except (*CONNECTION_ERRORS, *UNAVAILABLE, PublishFailed) as error:
                log.warning("consumer_lost", queue=self._queue, error=f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("consumer_lost", queue=self._queue)
            raise_if_cancelled()
            RESUBSCRIBED.labels(self._queue).inc()
            await asyncio.sleep(backoff.next())

    async def _consume_until_lost(self) -> None:
        await self._bus.connected()
        await self._prepare()
        channel = await self._bus.open_channel()
        try:
            lost = await _hear_loss(channel)
            await channel.set_qos(prefetch_count=self._prefetch)
            queue = await channel.get_queue(self._queue, ensure=False)
            tag = await queue.consume(self._receive)
            self.subscribed = True
            log.info("consumer_subscribed", queue=self._queue)
            try:
                await self._watch(lost)
            except asyncio.CancelledError:
                await self._stop(queue, tag)
                raise
        finally:
            self.subscribed = False
            with contextlib.suppress(*CONNECTION_ERRORS):
                async with asyncio.timeout(5):
                    await channel.close()

    async def _watch(self, lost: asyncio.Event) -> None:
        while not lost.is_set():
            raise_if_cancelled()
            try:
                async with asyncio.timeout(self._watch_seconds):
                    await lost.wait()
            except TimeoutError:
                if not await self._broker_knows_us():
                    break
        log.warning("consumer_vanished", queue=self._queue)

    async def _broker_knows_us(self) -> bool:
        channel = await self._bus.open_channel()
        try:
            queue = await channel.declare_queue(self._queue, passive=True)
            return bool(queue.declaration_result.consumer_count)
        finally:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await channel.close()

    async def _stop(self, queue: AbstractQueue, tag: str) -> None:
        """Take no more and let the one at hand end; the rest goes back to the queue with the channel."""
        self._stopping = True
        with contextlib.suppress(*CONNECTION_ERRORS):
            async with asyncio.timeout(DRAIN_SECONDS):
                await queue.cancel(tag)
                async with self._one_at_a_time:
                    pass

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        # The lock is fair and aiormq starts callbacks in the order of delivery: so is the handling.
        async with self._one_at_a_time:
            if not self._stopping:
                await self._handle(message)


async def _hear_loss(channel: AbstractChannel) -> asyncio.Event:
    """Set when the channel closes or the broker cancels the consumer, as it does for a deleted queue."""
    lost = asyncio.Event()

    def set_lost(*_: Any) -> None:
        lost.set()

    channel.close_callbacks.add(set_lost)
    underlay = await channel.get_underlay_channel()
    underlay.on_consumer_cancel_callbacks.add(set_lost)
    return lost
