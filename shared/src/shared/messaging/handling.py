"""The effect of events: inbox and handlers in one transaction, for one message or a batch of them.

A batch shares its transaction, which is what lets thousands flow in a second. When one of it fails all are
rolled back and handled one by one, so that a failure is charged to none but its own message. Handlers run
in the order of the subjects, those of one subject in the order they came: instances that change the same
aggregates then wait for each other, and never in a ring.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import asyncpg
import structlog
from opentelemetry import context

from shared.messaging import inbox
from shared.messaging.backoff import Backoff
from shared.messaging.event import Event
from shared.messaging.intake import Delivery
from shared.messaging.metrics import BATCHES_SPLIT, EVENT_AGE, HANDLING
from shared.messaging.subscription import Subscription
from shared.postgres import Connection, Database
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

PATIENCE_SECONDS = 60.0
_BATCH_SECONDS = 1.0
_COLLISIONS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_COLLISION_TRIES = 5

T = TypeVar("T")


class PostgresAwayError(ConnectionError):
    """Postgres is away for longer than a message should be held: RabbitMQ ends the channel after 30 minutes."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """An event in hand; each is itself alone, since what an event holds cannot be hashed."""

    delivery: Delivery
    event: Event


class Handling:
    """Runs one subscription's handler."""

    def __init__(self, database: Database, subscription: Subscription) -> None:
        self._database = database
        self._subscription = subscription

    async def together(self, heard: Sequence[Heard]) -> dict[Heard, str] | None:
        """Handle a batch in one transaction; how each ended, or None when one of them is to be found out.

        What the batch has no time for is not in the answer. Raises PostgresAwayError.
        """
        try:
            outcomes = await self._while_postgres_is_away(lambda: self._together_once(heard))
        except PostgresAwayError:
            raise
        except Exception as error:  # noqa: BLE001 - whose fault it is shows when each is handled by itself
            BATCHES_SPLIT.labels(self._subscription.queue).inc()
            log.info("batch_split", queue=self._subscription.queue, messages=len(heard), error=type(error).__name__)
            return None
        self._observe_ages(outcomes)
        return outcomes

    async def alone(self, event: Event) -> str:
        """Handle one event in a transaction of its own. Raises what the handler raises, PostgresAwayError."""
        left = _COLLISION_TRIES
        while True:
            try:
                outcome = await self._while_postgres_is_away(lambda: self._alone_once(event))
            except _COLLISIONS as error:
                left -= 1
                if not left:
                    raise
                log.info("handler_collided", queue=self._subscription.queue, error=type(error).__name__)
                continue
            if outcome == "handled":
                EVENT_AGE.labels(self._subscription.queue).observe(_age(event))
            return outcome

    async def _together_once(self, heard: Sequence[Heard]) -> dict[Heard, str]:
        queue = self._subscription.queue
        outcomes: dict[Heard, str] = {}
        ordered = sorted(heard, key=lambda each: each.event.subject)
        end = asyncio.get_running_loop().time() + _BATCH_SECONDS
        # The batch's own statements stand in the trace of its first message.
        token = context.attach(heard[0].delivery.trace)
        try:
            async with self._database.transaction() as connection:
                new = await inbox.claim_all(connection, queue, [each.event.id for each in ordered])
                for each in ordered:
                    if asyncio.get_running_loop().time() > end:
                        break
                    if each.event.id in new:
                        new.remove(each.event.id)
                        await self._run_handler(connection, each)
                        outcomes[each] = "handled"
                    else:
                        outcomes[each] = "duplicate"
                if len(outcomes) < len(ordered) and new:
                    await inbox.release(connection, queue, list(new))
        finally:
            context.detach(token)
        return outcomes

    async def _run_handler(self, connection: Connection, heard: Heard) -> None:
        token = context.attach(heard.delivery.trace)
        try:
            with HANDLING.labels(self._subscription.queue).time():
                async with asyncio.timeout(self._subscription.timeout.total_seconds()):
                    await self._subscription.handler(connection, heard.event)
        finally:
            context.detach(token)

    async def _alone_once(self, event: Event) -> str:
        queue = self._subscription.queue
        async with (
            asyncio.timeout(self._subscription.timeout.total_seconds()),
            self._database.transaction() as connection,
        ):
            if not await inbox.claim(connection, queue, event.id):
                return "duplicate"
            with HANDLING.labels(queue).time():
                await self._subscription.handler(connection, event)
        return "handled"

    async def _while_postgres_is_away(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do the work, and while Postgres is away wait here.

        It is no fault of the message, and parking thousands of good ones after a minute's outage would help
        nobody. A long outage gives them back to the broker: the keeper waits for Postgres before it subscribes.
        """
        backoff = Backoff(first=0.2, most=5.0)
        end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                return await work()
            except UNAVAILABLE as error:
                if not await self._postgres_is_away(error):
                    raise
                log.warning("consumer_waits_for_postgres", queue=self._subscription.queue, error=str(error))
                if asyncio.get_running_loop().time() > end:
                    raise PostgresAwayError(f"away for {PATIENCE_SECONDS:.0f} s") from error
                await asyncio.sleep(backoff.next())

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

    def _observe_ages(self, outcomes: dict[Heard, str]) -> None:
        ages = EVENT_AGE.labels(self._subscription.queue)
        for each, outcome in outcomes.items():
            if outcome == "handled":
                ages.observe(_age(each.event))


def _age(event: Event) -> float:
    # A producer's clock may be ahead, and its time may have come without a zone.
    moment = event.time if event.time.tzinfo else event.time.replace(tzinfo=UTC)
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())
