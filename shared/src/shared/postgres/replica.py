"""Reads that may be stale go to a replica, as long as it answers and is not older than a bound; else to the primary."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from math import inf

import asyncpg
import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Counter, Gauge

from shared.postgres.database import UNAVAILABLE, Connection, Database
from shared.postgres.staleness import Staleness
from shared.settings import PostgresSettings, ReplicaSettings

log = structlog.stdlib.get_logger(__name__)

LAG = Gauge(
    "database_replica_lag_seconds", "How old what the replica shows may be; +Inf while that is not known or it is away."
)
READS = Counter("database_stale_reads_total", "Reads that may be stale, by the server that they went to.", ["server"])

LOOK_SECONDS = 0.5
"""Between two looks at how far the replica is; what it shows counts as that much older."""
ENTER_SECONDS = 0.5
"""A replica that doesn't begin a transaction in this time is taken for one that is away."""

_PRIMARY_AT = "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint"
_REPLICA_AT = """
    SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END
            - '0/0'::pg_lsn)::bigint
"""
_AWAY = (*UNAVAILABLE, asyncpg.PostgresError)


class Replica:
    """The replica that ``DATABASE_READ_URL`` names, if any, in front of the primary."""

    def __init__(
        self, primary: Database, postgres: PostgresSettings, settings: ReplicaSettings, *, application_name: str
    ) -> None:
        self._primary = primary
        self._most_lag = settings.lag_seconds
        self._database: Database | None = None
        if settings.url is not None:
            own = {"url": settings.url, "owner_url": None, "min_connections": 1, "acquire_seconds": ENTER_SECONDS}
            self._database = Database(postgres.model_copy(update=own), application_name=f"{application_name}-reads")
        self._staleness = Staleness()
        self._used = False
        self._marker: asyncpg.Connection[asyncpg.Record] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the replica. The start doesn't wait for it."""
        if self._database is None:
            yield
            return
        watch = asyncio.create_task(self._watch(self._database))
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            self._leave_primary()
            await self._database.close()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection in a read-only transaction, of the replica or the primary.

        A replica that goes away in the middle of it raises as the primary would.
        """
        async with AsyncExitStack() as held:
            connection = await self._of_replica(held)
            server = "replica" if connection is not None else "primary"
            READS.labels(server).inc()
            if connection is None:
                connection = await held.enter_async_context(_read_only(self._primary))
            try:
                yield connection
            except UNAVAILABLE:
                if server == "replica":
                    self._lost("a read ended")
                raise

    async def _of_replica(self, held: AsyncExitStack) -> "Connection | None":
        if self._database is None or self._staleness.at(_now()) > self._most_lag:
            return None
        try:
            async with asyncio.timeout(ENTER_SECONDS):
                return await held.enter_async_context(_read_only(self._database))
        except _AWAY as error:
            self._lost(type(error).__name__)
            return None

    async def _watch(self, database: Database) -> None:
        await database.open()
        while True:
            try:
                with suppress_instrumentation():
                    await self._look(database)
            except _AWAY as error:
                self._lost(type(error).__name__)
            lag = self._staleness.at(_now())
            LAG.set(lag)
            self._tell(used=lag <= self._most_lag, lag=lag)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, replica: Database) -> None:
        at = _now()
        try:
            self._staleness.primary_was_at(await self._primary_place(), at)
        except _AWAY:
            self._leave_primary()  # what the replica shows grows older meanwhile
        async with replica.acquire() as connection:
            replayed = await connection.fetchval(_REPLICA_AT, timeout=1)
        if replayed is not None:
            self._staleness.replica_is_at(replayed)

    async def _primary_place(self) -> int:
        # A connection of its own: when the primary's pool is all in use the replica is needed most.
        if self._marker is None:
            self._marker = await asyncpg.connect(self._primary.url, timeout=2)
        return await self._marker.fetchval(_PRIMARY_AT, timeout=1)

    def _leave_primary(self) -> None:
        if self._marker is not None:
            self._marker.terminate()
            self._marker = None

    def _lost(self, why: str) -> None:
        self._staleness.lost()
        LAG.set(inf)
        self._tell(used=False, lag=inf, why=why)

    def _tell(self, *, used: bool, lag: float, why: str = "") -> None:
        if used != self._used:
            self._used = used
            log.warning("replica_used" if used else "replica_not_used", lag_seconds=lag, why=why or "lag")


@asynccontextmanager
async def _read_only(database: Database) -> AsyncIterator[Connection]:
    async with database.acquire() as connection, connection.transaction(readonly=True):
        yield connection


def _now() -> float:
    return asyncio.get_running_loop().time()
