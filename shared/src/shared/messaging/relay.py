"""The relay: publishes what waits in the outbox and deletes it after the broker's confirm.

Order. Rows are read in the order of ``id``. An aggregate's row is locked by its change, so the second
of two changes draws its ``id`` after the first is committed, and whoever sees the second row sees the
first. The order of transaction ids would be wrong here: a transaction may get its id early, wait for the
aggregate, and commit last; nor may a snapshot's ``xmin`` hold rows back, since it would hold the older
of two changes and let the younger pass, and any long transaction on the server would stop all events.
Late commits are not skipped because there is no cursor, only a floor below which all is over
(relay_floors.py).

Every instance of a service publishes some shards of its outbox (relay_shards.py). At most one message of a
subject is with the broker, so that a refusal never lets a younger event overtake (relay_window.py); different
subjects are written in one go and confirmed by the hundreds (publisher.py).
"""

import asyncio
import contextlib

import asyncpg
import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation

from shared.messaging import relay_store as store
from shared.messaging.backoff import Backoff
from shared.messaging.bus import CONNECTION_ERRORS, Bus, PublishFailed
from shared.messaging.cancellation import raise_if_cancelled
from shared.messaging.metrics import (
    OUTBOX_HELD,
    OUTBOX_LAG,
    OUTBOX_ROWS,
    OUTBOX_SHARDS,
    PUBLISH_FAILURES,
)
from shared.messaging.publisher import ChannelClosedByBroker, Publisher
from shared.messaging.relay_session import POLL_SECONDS, Session
from shared.messaging.relay_shards import Shards
from shared.messaging.topology import declare_events, mend_entry
from shared.postgres import Connection, Database
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

BATCH = 500
_STATE_SECONDS = 5.0
_FAILURES = (*UNAVAILABLE, *CONNECTION_ERRORS, asyncpg.PostgresError, PublishFailed)


class Relay:
    """Runs for ever in a service's worker."""

    def __init__(self, database: Database, bus: Bus, *, batch: int = BATCH) -> None:
        self._database = database
        self._bus = bus
        self._batch = batch
        self._session: Session | None = None
        self._suspects: set[int] = set()
        self._state_at = 0.0

    async def run(self) -> None:
        """Publish a share of the shards, through every failure, until cancelled."""
        backoff = Backoff(first=0.2, most=5.0)
        while True:
            started = asyncio.get_running_loop().time()
            try:
                # Looking for work is no part of any trace; a publication is, in that of its row.
                with suppress_instrumentation():
                    await self._take_part()
            except _FAILURES as error:
                log.warning("relay_interrupted", error=f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("relay_interrupted")
            finally:
                OUTBOX_SHARDS.set(0)
            raise_if_cancelled()
            if asyncio.get_running_loop().time() - started > POLL_SECONDS:
                backoff.reset()
            await asyncio.sleep(backoff.next())

    async def _take_part(self) -> None:
        # A connection of its own: leading would keep one of the pool's for ever.
        connection = await asyncpg.connect(self._database.url, timeout=5, command_timeout=30)
        try:
            await store.prepare_session(connection)
            schema: str = await connection.fetchval("SELECT current_schema()")
            await connection.add_listener(f"outbox_{schema}", lambda *_: self._wake())
            shards = Shards(connection)
            while True:
                raise_if_cancelled()
                await self._observe(connection)
                if self._bus.healthy():
                    await self._publish(connection, shards, service=schema)
                # Not while the broker is away from here: another instance may reach it.
                await shards.leave()
                await asyncio.sleep(POLL_SECONDS / 4)
        finally:
            connection.terminate()

    def _wake(self) -> None:
        if self._session is not None:
            self._session.wake()

    async def _publish(self, connection: "asyncpg.Connection[asyncpg.Record]", shards: Shards, *, service: str) -> None:
        """Until the line to the broker is lost."""
        session = Session(
            connection,
            shards,
            service=service,
            batch=self._batch,
            suspects=self._suspects,
            declare=lambda: mend_entry(self._bus, service),
        )
        try:
            async with Publisher.opened(self._bus, settled=session.settled, woken=session.wake_to_look) as publisher:
                await declare_events(self._bus, service)
                self._session = session
                try:
                    await session.run(publisher, observe=lambda: self._observe(connection))
                finally:
                    self._session = None
                    await _end(session)
        except (PublishFailed, *CONNECTION_ERRORS) as error:
            if connection.is_closed():
                raise
            log.warning("publishing_interrupted", error=f"{type(error).__name__}: {error}")
            PUBLISH_FAILURES.labels("unconfirmed").inc()
            if isinstance(error, ChannelClosedByBroker):
                await self._suspect(session)

    async def _suspect(self, session: Session) -> None:
        """The broker closed the channel over a message: publish those one by one, and hold the one it is."""
        rows = session.with_broker
        self._suspects = set(rows) if len(rows) > 1 else set()
        if len(rows) == 1:
            await session.hold_alone(next(iter(rows)))

    async def _observe(self, connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._state_at < _STATE_SECONDS:
            return
        self._state_at = now
        state = await store.read_state(connection)
        OUTBOX_ROWS.set(state.rows)
        OUTBOX_HELD.set(state.held)
        OUTBOX_LAG.set(state.lag)


async def _end(session: Session) -> None:
    with contextlib.suppress(*_FAILURES):
        async with asyncio.timeout(2):
            await session.write_down_the_rest()
