"""The pool of connections and the transaction, the unit of every change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias, cast

import asyncpg
import orjson
import stamina
import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation

from shared.settings import PostgresSettings

log = structlog.stdlib.get_logger(__name__)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
"""What is raised while Postgres is away, starting, stopping or full: worth another try later."""


def count_rows(status: str) -> int:
    """How many rows a statement touched, from what ``execute`` returns: ``DELETE 7``."""
    return int(status.rpartition(" ")[2])


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            encoder=lambda value: orjson.dumps(value).decode(),
            decoder=orjson.loads,
        )


class PooledConnection(asyncpg.Connection):  # pyright: ignore[reportMissingTypeArgument] - it is generic in its stubs alone
    """A connection that goes home without asking the server to forget a session in which nothing was set."""

    _clean = False

    def leave_clean(self) -> None:
        """Say that the session is as it was: skip the reset at the next release, and only at that."""
        self._clean = True

    def get_reset_query(self) -> str:
        """What asyncpg runs at a release; nothing is the one way to have it run nothing."""
        clean, self._clean = self._clean, False
        return "" if clean else super().get_reset_query()


class Database:
    """A pool of connections to one database, as one role.

    ``json`` and ``jsonb`` values go in and come out as Python objects.
    """

    def __init__(self, settings: PostgresSettings, *, application_name: str) -> None:
        self._settings = settings
        self._application_name = application_name
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    @property
    def pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The open pool."""
        if self._pool is None:
            raise RuntimeError("the database is not open")
        return self._pool

    @property
    def url(self) -> str:
        """The connection URL, for what needs a connection of its own outside the pool (LISTEN, locks)."""
        return self._settings.url.get_secret_value()

    async def open(self) -> None:
        """Open the pool; while Postgres is away try again for ever with back-off and jitter."""
        retries = stamina.retry_context(on=UNAVAILABLE, attempts=None, timeout=None, wait_max=5.0)
        async for attempt in retries:
            with attempt:
                self._pool = await asyncpg.create_pool(
                    self.url,
                    min_size=self._settings.min_connections,
                    max_size=self._settings.max_connections,
                    max_inactive_connection_lifetime=300,
                    timeout=5,
                    init=_prepare,
                    connection_class=PooledConnection,
                    server_settings={
                        "application_name": self._application_name,
                        "statement_timeout": str(int(self._settings.statement_seconds * 1000)),
                        "idle_in_transaction_session_timeout": "30000",
                    },
                )
        log.info("postgres_connected")

    async def close(self) -> None:
        """Close the pool; connections in use get five seconds to come home."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            async with asyncio.timeout(5):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection without a transaction: each statement commits by itself.

        Raises TimeoutError when none is free within ``acquire_seconds``.
        """
        async with self.pool.acquire(timeout=self._settings.acquire_seconds) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction that commits at the end and rolls back on an exception.

        What is set in it is set for it alone: ``SET LOCAL``, ``set_config(..., true)``, ``pg_advisory_xact_lock``. So
        nothing is left for the next one, and no round trip is spent on its reset; LISTEN, SET and session locks
        belong to ``acquire`` or a connection of their own.
        """
        async with self.pool.acquire(timeout=self._settings.acquire_seconds) as connection:
            async with connection.transaction():
                yield connection
            cast("PooledConnection", connection).leave_clean()

    async def healthy(self) -> bool:
        """Whether Postgres answers."""
        try:
            # A probe every second would bury the traces of requests.
            with suppress_instrumentation():
                async with self.acquire() as connection:
                    return await connection.fetchval("SELECT 1", timeout=2) == 1
        except (*UNAVAILABLE, asyncpg.PostgresError):
            return False
