"""The relay: publishes what waits in the outbox and deletes it after the broker's confirm.

Order. Rows are read in the order of ``id``. An aggregate's row is locked by its change, so the second
of two changes draws its ``id`` after the first is committed, and whoever sees the second row sees the
first. The order of transaction ids would be wrong here: a transaction may get its id early, wait for the
aggregate, and commit last; nor may a snapshot's ``xmin`` hold rows back, since it would hold the older
of two changes and let the younger pass, and any long transaction on the server would stop all events.
Late commits are not skipped because there is no cursor: what is not deleted is read again.

One relay a service leads, by a session lock on the very connection it reads and deletes with; the others
stand by. Messages of different subjects are published side by side, those of one subject one after the
other, so that a refusal in the middle never lets a younger event overtake.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

import aio_pika
import asyncpg
import structlog
from opentelemetry import context, propagate
from opentelemetry.instrumentation.utils import suppress_instrumentation

from shared.messaging import relay_store as store
from shared.messaging.backoff import Backoff
from shared.messaging.bus import CONNECTION_ERRORS, Bus, PublishFailed, Refused, Unroutable
from shared.messaging.cancellation import raise_if_cancelled
from shared.messaging.metrics import OUTBOX_LAG, OUTBOX_LEADER, OUTBOX_ROWS, PUBLISH_FAILURES, PUBLISHED
from shared.messaging.outbox import OutboxMessage
from shared.messaging.topology import declare_events
from shared.postgres import Connection, Database
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

POLL_SECONDS = 1.0
BATCH = 500
_STATE_SECONDS = 5.0
_REFUSED_FIRST = timedelta(seconds=1)
_REFUSED_MOST = timedelta(minutes=1)


class Relay:
    """Runs for ever in a service's worker."""

    def __init__(self, database: Database, bus: Bus, *, batch: int = BATCH) -> None:
        self._database = database
        self._bus = bus
        self._batch = batch
        self._woken = asyncio.Event()
        self._state_at = 0.0

    async def run(self) -> None:
        """Lead or stand by, through every failure, until cancelled."""
        backoff = Backoff(first=0.2, most=5.0)
        while True:
            try:
                # Looking for work is no part of any trace; a publication is, in that of its row.
                with suppress_instrumentation():
                    await self._take_part()
                backoff.reset()
            except (*UNAVAILABLE, *CONNECTION_ERRORS, asyncpg.PostgresError) as error:
                log.warning("relay_interrupted", error=f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("relay_interrupted")
            finally:
                OUTBOX_LEADER.set(0)
            raise_if_cancelled()
            await asyncio.sleep(backoff.next())

    async def _take_part(self) -> None:
        # A connection of its own: leading would keep one of the pool's for ever.
        connection = await asyncpg.connect(self._database.url, timeout=5, command_timeout=30)
        try:
            while not await store.try_lead(connection):  # noqa: ASYNC110 - Postgres tells nobody that a lock is free
                await asyncio.sleep(POLL_SECONDS)
            await self._lead(connection)
        finally:
            connection.terminate()

    async def _lead(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        OUTBOX_LEADER.set(1)
        log.info("relay_leads")
        schema: str = await connection.fetchval("SELECT current_schema()")
        await connection.add_listener(f"outbox_{schema}", lambda *_: self._woken.set())
        declared = False
        while True:
            raise_if_cancelled()
            self._woken.clear()
            await self._observe(connection)
            if not self._bus.healthy():
                declared = False
                await asyncio.sleep(POLL_SECONDS / 4)
                continue
            if not declared:
                await declare_events(self._bus)
                declared = True
            try:
                more = await self.publish_batch(connection)
            except PublishFailed as error:
                log.warning("publishing_interrupted", error=str(error))
                await asyncio.sleep(POLL_SECONDS / 4)
                continue
            if not more:
                await self._wait()

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._woken.wait()

    async def publish_batch(self, connection: Connection) -> bool:
        """Publish the first rows; tells whether there may be more at once.

        Raises PublishFailed when the broker is gone, after what it did confirm is deleted.
        """
        waiting = await store.read_waiting(connection, self._batch)
        if not waiting:
            return False
        by_subject = attrgetter("message.subject")
        # sorted is stable: rows of one subject keep the order of their ids.
        groups = [list(rows) for _, rows in groupby(sorted(waiting, key=by_subject), key=by_subject)]
        outcomes = await asyncio.gather(*(self._publish_in_order(rows) for rows in groups))
        confirmed = [row_id for published, _ in outcomes for row_id in published]
        if confirmed:
            await store.delete_published(connection, confirmed)
        failures = [failure for _, failure in outcomes if failure is not None]
        for row, error in failures:
            PUBLISH_FAILURES.labels(error.reason).inc()
            if isinstance(error, Refused | Unroutable):
                await self._hold(connection, row, error)
        gone = next((error for _, error in failures if not isinstance(error, Refused | Unroutable)), None)
        if gone is not None:
            raise gone
        if any(isinstance(error, Unroutable) for _, error in failures):
            await declare_events(self._bus)
        return len(waiting) == self._batch

    async def _publish_in_order(
        self, rows: Sequence[store.Waiting]
    ) -> tuple[list[int], tuple[store.Waiting, PublishFailed] | None]:
        published: list[int] = []
        for row in rows:
            try:
                await self._publish(row.message)
            except PublishFailed as error:
                return published, (row, error)
            published.append(row.id)
            PUBLISHED.labels(row.message.routing_key).inc()
        return published, None

    async def _publish(self, message: OutboxMessage) -> None:
        carrier = {"traceparent": message.traceparent} if message.traceparent else {}
        token = context.attach(propagate.extract(carrier, context=context.Context()))
        try:
            await self._bus.publish(
                aio_pika.Message(
                    message.body,
                    headers=dict(carrier),
                    content_type=message.content_type,
                    message_id=str(message.message_id),
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                ),
                exchange=message.exchange,
                routing_key=message.routing_key,
            )
        finally:
            context.detach(token)

    async def _hold(self, connection: Connection, row: store.Waiting, error: PublishFailed) -> None:
        pause = min(_REFUSED_MOST, _REFUSED_FIRST * 2 ** min(row.attempts, 10))
        log.error(
            "message_refused",
            message_id=str(row.message.message_id),
            routing_key=row.message.routing_key,
            error=str(error),
            attempts=row.attempts + 1,
            retry_in=pause.total_seconds(),
        )
        await store.mark_refused(connection, row.id, pause)

    async def _observe(self, connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._state_at < _STATE_SECONDS:
            return
        self._state_at = now
        state = await store.read_state(connection)
        OUTBOX_ROWS.set(state.rows)
        OUTBOX_LAG.set(state.lag)
