"""A consumer: one subscription's messages in order, the effect of each exactly once.

``queue.consume(callback)`` and never ``queue.iterator()``, which loses the trace's context
(opentelemetry-python-contrib#1993).
"""

import asyncio

import asyncpg
import structlog
from aio_pika.abc import AbstractIncomingMessage
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from shared.messaging import inbox
from shared.messaging.backfill import backfill
from shared.messaging.backoff import Backoff
from shared.messaging.bus import CONNECTION_ERRORS, Bus, PublishFailed
from shared.messaging.event import Event, UndecodableEvent
from shared.messaging.keeper import WATCH_SECONDS, Keeper
from shared.messaging.metrics import CONSUMED, HANDLING
from shared.messaging.retries import park, try_later_or_park
from shared.messaging.subscription import Subscription
from shared.messaging.topology import declare_events, declare_subscription
from shared.postgres import Database
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)


class Consumer:
    """Handles one subscription until cancelled."""

    def __init__(
        self, bus: Bus, database: Database, subscription: Subscription, *, watch_seconds: float = WATCH_SECONDS
    ) -> None:
        self._bus = bus
        self._database = database
        self._subscription = subscription
        self._keeper = Keeper(
            bus,
            subscription.queue,
            prepare=self._prepare,
            receive=self._receive,
            prefetch=subscription.prefetch,
            watch_seconds=watch_seconds,
        )

    @property
    def subscribed(self) -> bool:
        """Whether the broker has us as a consumer, as far as we know."""
        return self._keeper.subscribed

    async def run(self) -> None:
        """Consume, through every failure, until cancelled."""
        await self._keeper.run()

    async def _prepare(self) -> None:
        await declare_events(self._bus)
        is_new = await declare_subscription(self._bus, self._subscription)
        await backfill(self._bus, self._database, self._subscription, self._handle, is_new=is_new)

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        queue = self._subscription.queue
        try:
            outcome = await self._handle(message)
            await message.ack()
        except (*CONNECTION_ERRORS, PublishFailed) as error:
            # Not acknowledged: it is delivered again, and the inbox drops it if it was committed.
            log.warning("message_not_settled", queue=queue, error=f"{type(error).__name__}: {error}")
            outcome = "unsettled"
        CONSUMED.labels(queue, outcome).inc()

    async def _handle(self, message: AbstractIncomingMessage) -> str:
        queue = self._subscription.queue
        try:
            event = Event.decode(message.body)
        except UndecodableEvent as error:
            log.error("message_undecodable", queue=queue, error=str(error))  # noqa: TRY400 - its stack is ours
            await park(self._bus, queue, message, error)
            return "parked"
        if event.type not in self._subscription.types:
            return "ignored"
        try:
            return await self._apply(event)
        except Exception as error:
            span = trace.get_current_span()
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            outcome = await try_later_or_park(self._bus, self._subscription, message, error)
            log.exception("message_failed", queue=queue, event_id=event.id, type=event.type, outcome=outcome)
            return outcome

    async def _apply(self, event: Event) -> str:
        """Run inbox and handler in one transaction.

        While Postgres is away wait here: it is no fault of the message, and parking thousands of good
        ones after a minute's outage would help nobody.
        """
        backoff = Backoff(first=0.2, most=5.0)
        while True:
            try:
                async with asyncio.timeout(self._subscription.timeout.total_seconds()):
                    return await self._apply_once(event)
            except UNAVAILABLE as error:
                if not await self._postgres_is_away(error):
                    raise
                log.warning("consumer_waits_for_postgres", queue=self._subscription.queue, error=str(error))
                await asyncio.sleep(backoff.next())

    async def _apply_once(self, event: Event) -> str:
        queue = self._subscription.queue
        with HANDLING.labels(queue).time():
            async with self._database.transaction() as connection:
                if not await inbox.claim(connection, queue, event.id):
                    return "duplicate"
                await self._subscription.handler(connection, event)
        return "handled"

    async def _postgres_is_away(self, error: BaseException) -> bool:
        """Tell an outage from a handler that raised OSError or TimeoutError by itself."""
        seen: BaseException | None = error
        while seen is not None:
            # Leaving a transaction whose connection is gone raises InterfaceError over the cause.
            # InternalClientError: the connection failed between its last answer and this statement.
            if isinstance(seen, asyncpg.InternalClientError) or (
                isinstance(seen, UNAVAILABLE) and isinstance(seen, asyncpg.PostgresError)
            ):
                return True
            seen = seen.__context__
        return not await self._database.healthy()
