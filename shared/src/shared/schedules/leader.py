"""One process of many: it holds an advisory lock on a connection of its own.

A process that is killed loses its connection and with it the lock; one that is paused keeps it.
"""

from types import TracebackType
from typing import Self

import asyncpg

from shared.postgres import Database
from shared.postgres.database import UNAVAILABLE

_SECONDS = 5


class Leader:
    """Holds, or tries to get, the lock ``what`` of the database's schema."""

    def __init__(self, database: Database, what: str) -> None:
        self._database = database
        self._what = what
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._leads = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        await self._close()

    async def leads(self) -> bool:
        """Whether this process has the lock now; takes it when it is free."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._leads = False
                self._connection = await asyncpg.connect(self._database.url, timeout=_SECONDS)
            if self._leads:
                await self._connection.execute("SELECT 1", timeout=_SECONDS)
            else:
                self._leads = await self._connection.fetchval(
                    "SELECT pg_try_advisory_lock(hashtextextended($1 || current_schema(), 0))",
                    f"{self._what}:",
                    timeout=_SECONDS,
                )
        except (*UNAVAILABLE, asyncpg.PostgresError):
            await self._close()
        return self._leads

    async def _close(self) -> None:
        self._leads = False
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
