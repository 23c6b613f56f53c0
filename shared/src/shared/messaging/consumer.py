"""A consumer: one subscription's messages, the effect of each exactly once.

``queue.consume(callback)`` and never ``queue.iterator()``, which loses the trace's context
(opentelemetry-python-contrib#1993). The order of one aggregate's events is best effort: a retry, or a
second instance, may let a younger one pass. Handlers go by the version in the data (docs/adr/0021).
"""

import asyncio
from collections.abc import Sequence

import structlog
from aio_pika.abc import AbstractIncomingMessage
from opentelemetry import context, trace
from opentelemetry.trace import Status, StatusCode

from shared.messaging.backfill import backfill
from shared.messaging.bus import Bus
from shared.messaging.event import Event, UndecodableEvent
from shared.messaging.handling import Handling, Heard, PostgresAwayError
from shared.messaging.intake import Batches, Delivery
from shared.messaging.keeper import WATCH_SECONDS, Keeper
from shared.messaging.metrics import BATCHES, CONSUMED
from shared.messaging.retries import PoisonMessage, park, refuse_poison, try_later_or_park
from shared.messaging.subscription import Subscription
from shared.messaging.topology import declare_events, declare_subscription, service_of
from shared.postgres import Database

log = structlog.stdlib.get_logger(__name__)


class Consumer:
    """Handles one subscription until cancelled."""

    def __init__(
        self, bus: Bus, database: Database, subscription: Subscription, *, watch_seconds: float = WATCH_SECONDS
    ) -> None:
        self._bus = bus
        self._database = database
        self._subscription = subscription
        self._handling = Handling(database, subscription)
        self._intake = Batches(self._settle, queue=subscription.queue, prefetch=subscription.prefetch)
        self._keeper = Keeper(
            bus, subscription.queue, prepare=self._prepare, intake=self._intake, watch_seconds=watch_seconds
        )

    @property
    def subscribed(self) -> bool:
        """Whether the broker has us as a consumer, as far as we know."""
        return self._keeper.subscribed

    async def run(self) -> None:
        """Consume, through every failure, until cancelled; then let what is in hand end."""
        handling = asyncio.create_task(self._intake.run(), name=f"consumer {self._subscription.queue}")
        try:
            await self._keeper.run()
        finally:
            handling.cancel()
            await asyncio.gather(handling, return_exceptions=True)

    async def _prepare(self) -> None:
        await declare_events(self._bus, service_of(self._subscription.queue))
        is_new = await declare_subscription(self._bus, self._subscription)
        await backfill(self._bus, self._database, self._subscription, self._handle, is_new=is_new)

    async def _settle(self, deliveries: Sequence[Delivery]) -> None:
        BATCHES.labels(self._subscription.queue).observe(len(deliveries))
        left = await self._settle_together(deliveries) if len(deliveries) > 1 else deliveries
        for delivery in left:
            token = context.attach(delivery.trace)
            try:
                outcome = await self._handle(delivery.message)
            finally:
                context.detach(token)
            await self._acknowledge(delivery, outcome)

    async def _settle_together(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Settle what goes well in one transaction; returns what is to be handled one by one, in its order."""
        left = list(deliveries)
        heard = [each for each in map(self._hear, deliveries) if each is not None]
        while len(heard) > 1:
            outcomes = await self._handling.together(heard)
            if outcomes is None:
                break
            for each, outcome in outcomes.items():
                await self._acknowledge(each.delivery, outcome)
            settled = {id(each.delivery) for each in outcomes}
            left = [delivery for delivery in left if id(delivery) not in settled]
            heard = [each for each in heard if each not in outcomes]
        return left

    def _hear(self, delivery: Delivery) -> Heard | None:
        """The event of a message that may be handled with others."""
        try:
            event = Event.decode(delivery.message.body)
        except UndecodableEvent:
            return None
        return Heard(delivery, event) if event.type in self._subscription.types else None

    async def _acknowledge(self, delivery: Delivery, outcome: str) -> None:
        await delivery.message.ack()
        delivery.end()
        CONSUMED.labels(self._subscription.queue, outcome).inc()

    async def _handle(self, message: AbstractIncomingMessage) -> str:
        """Handle one message by itself, or see to it that it is tried later or parked; returns which."""
        queue = self._subscription.queue
        try:
            refuse_poison(message)
            event = Event.decode(message.body)
        except (UndecodableEvent, PoisonMessage) as error:
            log.error("message_refused", queue=queue, error=str(error))  # noqa: TRY400 - its stack is ours
            await park(self._bus, queue, message, error)
            return "parked"
        if event.type not in self._subscription.types:
            return "ignored"
        try:
            return await self._handling.alone(event)
        except PostgresAwayError:
            raise
        except Exception as error:
            span = trace.get_current_span()
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            outcome = await try_later_or_park(self._bus, self._subscription, message, error)
            log.exception("message_failed", queue=queue, event_id=event.id, type=event.type, outcome=outcome)
            return outcome
