"""Deletes rows whose time is over, as fast as they come.

A fixed number of rows each hour would be outrun by any service that writes more. So each round goes on
until nothing is left, in batches that are transactions of their own: short locks, and none that vacuum
waits for.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation

from shared.postgres import Connection, Database

log = structlog.stdlib.get_logger(__name__)

INTERVAL_SECONDS = 60.0
BATCH = 10_000


class Trim(Protocol):
    """Deletes at most ``limit`` rows whose time is over; returns how many."""

    async def __call__(self, connection: Connection, limit: int) -> int:
        """Delete them."""
        ...


async def keep_trimmed(
    database: Database,
    trims: Mapping[str, Trim],
    *,
    interval_seconds: float = INTERVAL_SECONDS,
    batch: int = BATCH,
) -> None:
    """Trim each table now and after each interval until cancelled; one that fails stops no other."""
    while True:
        for table, trim in trims.items():
            try:
                # Housekeeping is part of no trace.
                with suppress_instrumentation():
                    trimmed = await _trim_all(database, trim, batch)
            except Exception:
                log.exception("table_not_trimmed", table=table)
            else:
                if trimmed:
                    log.info("table_trimmed", table=table, rows=trimmed)
        await asyncio.sleep(interval_seconds)


async def _trim_all(database: Database, trim: Trim, batch: int) -> int:
    trimmed = 0
    while True:
        async with database.acquire() as connection:
            deleted = await trim(connection, batch)
        trimmed += deleted
        if deleted < batch:
            return trimmed
