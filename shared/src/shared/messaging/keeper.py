"""Keeps a queue consumed: subscribes, watches, and subscribes again when the subscription is gone.

A consumer can vanish without a sign: the server cancels it when the queue is deleted or moves, a channel
closes, a reconnect forgets it (aio-pika#231, #334, #632, aiormq#187). So each loss that is told is
heard, and every few seconds the broker is asked whether it still knows a consumer of the queue. Where
other instances consume the same queue its count says nothing of ours: messages that wait while we are
given none say it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aio_pika.abc import AbstractChannel, AbstractQueue

from shared.messaging.backoff import Backoff
from shared.messaging.bus import CONNECTION_ERRORS, Bus, PublishFailed
from shared.messaging.cancellation import raise_if_cancelled
from shared.messaging.intake import Intake
from shared.messaging.metrics import CONSUMERS_ALIVE, RESUBSCRIBED
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

WATCH_SECONDS = 5.0
DRAIN_SECONDS = 10.0


class Keeper:
    """Consumes one queue until cancelled.

    ``prepare`` declares what the queue needs, each time before the subscription. ``intake`` is
    given each message and settles it.
    """

    def __init__(
        self,
        bus: Bus,
        queue: str,
        *,
        prepare: Callable[[], Awaitable[None]],
        intake: Intake,
        watch_seconds: float = WATCH_SECONDS,
    ) -> None:
        self._bus = bus
        self._queue = queue
        self._prepare = prepare
        self._intake = intake
        self._watch_seconds = watch_seconds
        self._tag = ""
        self.subscribed = False

    async def run(self) -> None:
        """Be subscribed, through every failure, until cancelled; then let what is in hand end."""
        backoff = Backoff(first=0.2, most=5.0)
        while True:
            try:
                await self._consume_until_lost(backoff)
            except (*CONNECTION_ERRORS, *UNAVAILABLE, PublishFailed) as error:
                log.warning("consumer_lost", queue=self._queue, error=f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("consumer_lost", queue=self._queue)
            raise_if_cancelled()
            RESUBSCRIBED.labels(self._queue).inc()
            await asyncio.sleep(backoff.next())

    async def _consume_until_lost(self, backoff: Backoff) -> None:
        await self._bus.connected()
        await self._prepare()
        channel = await self._bus.open_channel()
        try:
            lost = await _hear_loss(channel)
            self._intake.begin(lost.set)
            queue = await channel.get_queue(self._queue, ensure=False)
            await self._subscribe(channel, queue)
            try:
                while await self._watch(lost, backoff):
                    await self._subscribe_again(channel, queue)
            except asyncio.CancelledError:
                await self._stop(queue)
                raise
            log.warning("consumer_vanished", queue=self._queue)
        finally:
            self._tell(subscribed=False)
            with contextlib.suppress(*CONNECTION_ERRORS):
                async with asyncio.timeout(5):
                    await channel.close()

    async def _subscribe(self, channel: AbstractChannel, queue: AbstractQueue) -> None:
        self._intake.prefetch_changed.clear()
        await channel.set_qos(prefetch_count=self._intake.prefetch)
        self._tag = await queue.consume(self._intake.receive)
        if not self.subscribed:
            log.info("consumer_subscribed", queue=self._queue)
        self._tell(subscribed=True)

    def _tell(self, *, subscribed: bool) -> None:
        self.subscribed = subscribed
        CONSUMERS_ALIVE.labels(self._queue).set(int(subscribed))

    async def _subscribe_again(self, channel: AbstractChannel, queue: AbstractQueue) -> None:
        async def subscribe() -> None:
            await queue.cancel(self._tag)
            await self._subscribe(channel, queue)

        # Told to end in the middle of it, the library would close the channel on what is in hand.
        change = asyncio.create_task(subscribe())
        try:
            await asyncio.shield(change)
        except asyncio.CancelledError:
            await asyncio.gather(change, return_exceptions=True)
            raise

    async def _watch(self, lost: asyncio.Event, backoff: Backoff) -> bool:
        """Whether another prefetch is wanted; returns False when the subscription is lost."""
        changed = self._intake.prefetch_changed
        while not lost.is_set():
            raise_if_cancelled()
            received = self._intake.received
            if await _any_within(self._watch_seconds, lost, changed):
                return changed.is_set() and not lost.is_set()
            given_none = received == self._intake.received and not self._intake.in_hand
            if not await self._broker_knows_us(given_none=given_none):
                return False
            # Not at the subscription: one that is lost at once must not be tried at full speed.
            backoff.reset()
        return False

    async def _broker_knows_us(self, *, given_none: bool) -> bool:
        channel = await self._bus.open_channel()
        try:
            found = (await channel.declare_queue(self._queue, passive=True)).declaration_result
            overlooked = given_none and bool(found.message_count) and not self._intake.in_hand
            return bool(found.consumer_count) and not overlooked
        finally:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await channel.close()

    async def _stop(self, queue: AbstractQueue) -> None:
        """Take no more and let what is in hand end; what does not goes back to the queue with the channel."""
        with contextlib.suppress(*CONNECTION_ERRORS):
            async with asyncio.timeout(DRAIN_SECONDS):
                await queue.cancel(self._tag)
                await self._intake.drain()


async def _any_within(seconds: float, *events: asyncio.Event) -> bool:
    """Whether one of the events is set within the time."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for wait in waits:
            wait.cancel()


async def _hear_loss(channel: AbstractChannel) -> asyncio.Event:
    """Set when the channel closes or the broker cancels the consumer, as it does for a deleted queue."""
    lost = asyncio.Event()

    def set_lost(*_: Any) -> None:
        lost.set()

    channel.close_callbacks.add(set_lost)
    underlay = await channel.get_underlay_channel()
    underlay.on_consumer_cancel_callbacks.add(set_lost)
    return lost
