"""What is over goes, all of it; what is not stays."""

from datetime import timedelta

import pytest

from shared.clean_ups import CLEAN_UP, STANDARD, CleanUp, clean_up_job, clean_up_schedules
from shared.clean_ups.job import WhatToClean
from shared.jobs import JobStatus, enqueue
from shared.postgres import Connection, Database

from .job_fixtures import Run, ends_as

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
    "schedule_fires": (
        (
            "INSERT INTO schedule_fires (schedule, fire_time, fired_at)"
            " SELECT 's', now() - n * interval '1 minute' - $2::interval, now() - $2::interval"
            " FROM generate_series(1, $1) AS n"
        ),
        timedelta(days=30),
    ),
    "job_steps": (
        (
            "WITH one AS (INSERT INTO jobs (id, type, payload, status, finished_at)"
            " VALUES (gen_random_uuid(), 't', '{}', 'failed', now() - $2::interval) RETURNING id)"
            " INSERT INTO job_steps (job_id, sequence, status, percent, message, at)"
            " SELECT id, n, 'running', 0, '', now() - $2::interval FROM one, generate_series(1, $1) AS n"
        ),
        timedelta(days=1),
    ),
}
HOUR = timedelta(hours=1)


async def insert(database: Database, table: str, *, over: int, fresh: int) -> None:
    statement, kept = INSERTS[table]
    async with database.acquire() as connection:
        await connection.execute(statement, over, kept + HOUR)
        await connection.execute(statement, fresh, kept - HOUR)


async def count(database: Database, table: str) -> int:
    async with database.acquire() as connection:
        return await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name of ours


CLEAN_UPS = {clean_up.name: clean_up for clean_up in STANDARD}


def test_every_table_that_grows_has_its_test() -> None:
    assert set(INSERTS) == set(CLEAN_UPS)


@pytest.mark.parametrize("table", INSERTS)
async def test_a_trim_deletes_a_batch_of_what_is_over_and_says_how_many(database: Database, table: str) -> None:
    await insert(database, table, over=5, fresh=2)
    async with database.acquire() as connection:
        deleted = [await CLEAN_UPS[table].trim(connection, 2) for _ in range(4)]
    assert deleted == [2, 2, 1, 0]
    assert await count(database, table) == 2


async def clean(database: Database, what: str) -> object:
    async with database.transaction() as connection:
        job_id = await enqueue(connection, CLEAN_UP, WhatToClean(what=what))
    return (await ends_as(database, job_id, JobStatus.SUCCEEDED))["result"]


async def test_the_job_goes_on_until_nothing_is_left(database: Database, run_worker: Run) -> None:
    await insert(database, "inbox", over=25, fresh=1)
    run_worker(clean_up_job([CleanUp("inbox", CLEAN_UPS["inbox"].trim, batch=4)]))
    assert await clean(database, "inbox") == {"deleted": 25, "left": False}
    assert await count(database, "inbox") == 1


async def test_a_job_whose_time_is_over_leaves_the_rest_to_the_next(database: Database, run_worker: Run) -> None:
    await insert(database, "inbox", over=9, fresh=1)
    run_worker(clean_up_job([CleanUp("inbox", CLEAN_UPS["inbox"].trim, batch=4, seconds=1e-9)]))
    assert await clean(database, "inbox") == {"deleted": 4, "left": True}
    assert await clean(database, "inbox") == {"deleted": 4, "left": True}
    assert await clean(database, "inbox") == {"deleted": 1, "left": False}


async def test_one_that_fails_stops_no_other(database: Database, run_worker: Run) -> None:
    async def broken(connection: Connection, limit: int) -> int:
        return await connection.fetchval("SELECT 1 / ($1::int * 0)", limit)

    await insert(database, "inbox", over=3, fresh=0)
    run_worker(clean_up_job([CleanUp("broken", broken), CLEAN_UPS["inbox"]]))
    async with database.transaction() as connection:
        failing = await enqueue(connection, CLEAN_UP, WhatToClean(what="broken"))
    assert await clean(database, "inbox") == {"deleted": 3, "left": False}
    assert "division by zero" in (await ends_as(database, failing, JobStatus.FAILED))["error"]


async def test_what_nobody_knows_fails_in_words(database: Database, run_worker: Run) -> None:
    run_worker(clean_up_job(STANDARD))
    async with database.transaction() as connection:
        job_id = await enqueue(connection, CLEAN_UP, WhatToClean(what="the kitchen"))
    assert "the kitchen" in (await ends_as(database, job_id, JobStatus.FAILED))["message"]


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        clean_up_job([STANDARD[0], STANDARD[0]])


def test_each_has_a_schedule() -> None:
    assert [schedule.payload["what"] for schedule in clean_up_schedules(STANDARD)] == list(CLEAN_UPS)
