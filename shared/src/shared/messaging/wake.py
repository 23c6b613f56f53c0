"""Wakes the relay soon after a commit, without a NOTIFY in the transaction itself.

A transaction that notifies takes a lock of the whole server at its commit, which stopped others'
systems (TRAPS.md, Postgres 2). So the process remembers the ids of transactions that wrote to the
outbox, asks every 50 ms which of them are committed, and notifies once for all of them on a
connection of its own. A wake-up that is lost costs nothing: the relay looks by itself each second.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from weakref import WeakSet

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation

from shared.postgres import Database
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

INTERVAL_SECONDS = 0.05
_GIVE_UP_SECONDS = 60.0

_SETTLED = """
    SELECT x::text::bigint AS transaction, pg_xact_status(x) AS status
    FROM unnest($1::text[]) AS t, LATERAL (SELECT t::xid8 AS x) AS cast_once
    WHERE pg_xact_status(x) IS DISTINCT FROM 'in progress'
"""
_NOTIFY = "SELECT pg_notify('outbox_' || current_schema(), '')"

_wakers: "WeakSet[RelayWaker]" = WeakSet()


def wake_after_commit(transaction: int) -> None:
    """Have the relay woken once this transaction is committed; nothing in a process without a waker."""
    for waker in _wakers:
        waker.wrote(transaction)


class RelayWaker:
    """One a process that writes to an outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending: dict[int, float] = {}
        self._some = asyncio.Event()

    def wrote(self, transaction: int) -> None:
        """Remember a transaction that wrote to the outbox."""
        self._pending[transaction] = asyncio.get_running_loop().time()
        self._some.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Wake the relay while the block runs."""
        task = asyncio.create_task(self._run(), name="relay-waker")
        _wakers.add(self)
        try:
            yield
        finally:
            _wakers.discard(self)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                with suppress_instrumentation():
                    await self._settle()
            except UNAVAILABLE as error:
                log.debug("relay_not_woken", error=str(error))
                await asyncio.sleep(1)
            except Exception:
                log.exception("relay_not_woken")
                self._pending.clear()
            if not self._pending:
                self._some.clear()

    async def _settle(self) -> None:
        async with self._database.acquire() as connection:
            asked = [str(transaction) for transaction in self._pending]
            rows = await connection.fetch(_SETTLED, asked)
            if any(row["status"] == "committed" for row in rows):
                await connection.execute(_NOTIFY)
        for row in rows:
            self._pending.pop(row["transaction"], None)
        oldest = asyncio.get_running_loop().time() - _GIVE_UP_SECONDS
        for transaction in [t for t, since in self._pending.items() if since < oldest]:
            del self._pending[transaction]
