"""What is over goes, all of it and as soon as it is over; what is not stays."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.postgres import Connection, Database
from shared.testing.waiting import eventually
from shared.trimming import keep_trimmed
from shared.worker import TRIMS

Background = Callable[..., object]

INSERTS = {
    "inbox": (
        (
            "INSERT INTO inbox (consumer, message_id, received_at)"
            " SELECT 'c', gen_random_uuid()::text, now() - $2::interval FROM generate_series(1, $1)"
        ),
        timedelta(days=30),
    ),
    "jobs": (
        (
            "INSERT INTO jobs (id, type, payload, status, finished_at)"
            " SELECT gen_random_uuid(), 't', '{}', 'failed', now() - $2::interval FROM generate_series(1, $1)"
        ),
        timedelta(days=30),
    ),
    "idempotency_keys": (
        (
            "INSERT INTO idempotency_keys (owner, key, fingerprint, status, headers, body, created_at, expires_at)"
            " SELECT 'o', gen_random_uuid()::text, '', 200, '{}', '', now() - $2::interval,"
            " now() - $2::interval + interval '24 hours' FROM generate_series(1, $1)"
        ),
        timedelta(hours=24),
    ),
}
MINUTE = timedelta(minutes=1)


async def insert(database: Database, table: str, *, over: int, fresh: int) -> None:
    statement, kept = INSERTS[table]
    async with database.acquire() as connection:
        await connection.execute(statement, over, kept + MINUTE)
        await connection.execute(statement, fresh, kept - MINUTE)


async def count(database: Database, table: str) -> int:
    async with database.acquire() as connection:
        return await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name of ours


@pytest.mark.parametrize("table", INSERTS)
async def test_a_trim_deletes_a_batch_of_what_is_over_and_says_how_many(database: Database, table: str) -> None:
    await insert(database, table, over=5, fresh=2)
    async with database.acquire() as connection:
        deleted = [await TRIMS[table](connection, 2) for _ in range(4)]
    assert deleted == [2, 2, 1, 0]
    assert await count(database, table) == 2


async def test_a_round_goes_on_until_nothing_is_left(database: Database, background: Background) -> None:
    for table in INSERTS:
        await insert(database, table, over=25, fresh=1)
    background(keep_trimmed(database, TRIMS, interval_seconds=3600, batch=4))
    for table in INSERTS:
        await eventually(lambda table=table: count(database, table), 1)


async def test_rounds_come_again_and_a_table_that_fails_stops_no_other(
    database: Database, background: Background
) -> None:
    async def broken(connection: Connection, limit: int) -> int:
        return await connection.fetchval("SELECT 1 / ($1::int * 0)", limit)

    background(keep_trimmed(database, {"broken": broken, **TRIMS}, interval_seconds=0.05))
    for _ in range(2):
        await insert(database, "inbox", over=3, fresh=0)
        await eventually(lambda: count(database, "inbox"), 0)
