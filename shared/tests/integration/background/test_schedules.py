"""Schedules on a real Postgres: fired once, whoever leads, whatever the clock does."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.postgres import Database
from shared.schedules import Schedule, Scheduler, ScheduleTaken, count_of, delete, find, list_of, store, upsert
from shared.schedules import scheduler as scheduler_module
from shared.settings import PostgresSettings
from shared.testing.waiting import eventually

PROGRAM = Path(__file__).parent / "scheduler_program.py"
YEARLY = Schedule("yearly", "0 0 1 1 *", "UTC", "tidy", {"room": "kitchen"}, missed="once")
"""Its next time comes in the middle of no test."""


async def jobs(database: Database) -> list[dict[str, object]]:
    async with database.acquire() as connection:
        return [row["payload"] for row in await connection.fetch("SELECT payload FROM jobs ORDER BY created_at, id")]


async def number_of_jobs(database: Database) -> int:
    return len(await jobs(database))


async def make_due(database: Database, name: str, *, years_ago: int = 0) -> None:
    async with database.acquire() as connection:
        assert await connection.fetchval(
            "UPDATE schedules SET next_fire"
            " = (date_trunc('year', now() AT TIME ZONE 'UTC') - make_interval(years => $2)) AT TIME ZONE 'UTC'"
            " WHERE name = $1 RETURNING true",
            name,
            years_ago,
        )


@pytest.fixture
async def second(database: Database) -> AsyncIterator[Database]:
    other = Database(PostgresSettings.model_validate({"url": database.url}), application_name="second")
    await other.open()
    yield other
    await other.close()


async def test_a_due_one_is_queued_once_with_its_time_and_waits_for_the_next(database: Database) -> None:
    scheduler = Scheduler(database, [YEARLY])
    async with scheduler._leader:
        await scheduler.look()
        assert await jobs(database) == []
        await make_due(database, "yearly")
        for _ in range(3):
            await scheduler.look()
        async with database.acquire() as connection:
            found = await find(connection, "yearly")
        assert found is not None
        assert found.last_fire is not None
        assert found.next_fire == found.last_fire.replace(year=found.last_fire.year + 1)
        assert await jobs(database) == [{"room": "kitchen", "scheduled_for": found.last_fire.isoformat()}]


async def test_of_two_one_leads_and_a_time_is_fired_once(database: Database, second: Database) -> None:
    one, other = Scheduler(database, [YEARLY]), Scheduler(second, [YEARLY])
    async with one._leader, other._leader:
        await one.look()
        await other.look()
        assert (await one._leader.leads(), await other._leader.leads()) == (True, False)
        await make_due(database, "yearly")
        await asyncio.gather(other.look(), one.look(), other.look())
    assert await number_of_jobs(database) == 1


async def test_a_leader_that_changes_fires_no_time_again_even_if_the_row_says_so(
    database: Database, second: Database
) -> None:
    one, other = Scheduler(database, [YEARLY]), Scheduler(second, [YEARLY])
    async with one._leader:
        await one.look()
        await make_due(database, "yearly")
        await one.look()
    async with other._leader:
        await make_due(database, "yearly")
        await other.look()
        assert await other._leader.leads()
    assert await number_of_jobs(database) == 1


async def test_others_fire_for_a_leader_that_hangs_but_are_patient(
    database: Database, second: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, other = Scheduler(database, [YEARLY]), Scheduler(second, [YEARLY])
    async with hanging._leader, other._leader:
        await hanging.look()
        await make_due(database, "yearly")
        monkeypatch.setattr(scheduler_module, "PATIENCE", timedelta(days=400))
        await other.look()
        assert await number_of_jobs(database) == 0
        monkeypatch.setattr(scheduler_module, "PATIENCE", timedelta(0))
        await other.look()
        assert await number_of_jobs(database) == 1
        await hanging.look()
    assert await number_of_jobs(database) == 1


@pytest.mark.parametrize(("missed", "expected"), [("skip", 0), ("once", 1), ("all", 6)])
async def test_what_was_missed_follows_the_policy(database: Database, missed: str, expected: int) -> None:
    schedule = Schedule("late", "0 0 1 1 *", "UTC", "tidy", missed=missed)  # type: ignore[arg-type]
    scheduler = Scheduler(database, [schedule])
    async with scheduler._leader:
        await scheduler.look()
        await make_due(database, "late", years_ago=5)
        await scheduler.look()
    assert await number_of_jobs(database) == expected


async def test_a_clock_that_was_ahead_and_is_set_back_silences_nobody(database: Database) -> None:
    scheduler = Scheduler(database, [YEARLY])
    async with scheduler._leader:
        await scheduler.look()
        await scheduler.look()
        async with database.acquire() as connection:
            await connection.execute("UPDATE schedules SET next_fire = now() + interval '1000 days'")
        assert scheduler._seen is not None
        scheduler._seen = (scheduler._seen[0] + timedelta(days=1000), scheduler._seen[1])
        await scheduler.look()
        async with database.acquire() as connection:
            found = await find(connection, "yearly")
            assert found is not None
            assert found.next_fire - await store.read_clock(connection) <= timedelta(days=366)


async def test_users_schedules_are_their_own(database: Database) -> None:
    mine = Schedule("of-7", "0 8 * * MON", "Europe/Berlin", "report", {"report": 1}, missed="once")
    async with database.transaction() as connection:
        await upsert(connection, mine, owner="7")
        with pytest.raises(ScheduleTaken):
            await upsert(connection, mine, owner="8")
        with pytest.raises(ScheduleTaken):
            await upsert(connection, mine, owner=None)
        assert [found.name for found in await list_of(connection, "7", 10)] == ["of-7"]
        assert (await count_of(connection, "7"), await count_of(connection, "8")) == (1, 0)
        assert not await delete(connection, "of-7", owner="8")
        assert await delete(connection, "of-7", owner="7")
        assert await find(connection, "of-7") is None


async def test_a_change_of_the_payload_keeps_the_time_and_one_of_the_cron_does_not(database: Database) -> None:
    async with database.transaction() as connection:
        await upsert(connection, YEARLY, owner="7")
        await connection.execute("UPDATE schedules SET next_fire = now() - interval '5 seconds'")
        await upsert(connection, Schedule("yearly", "0 0 1 1 *", "UTC", "tidy", {"room": "bath"}), owner="7")
        kept = await find(connection, "yearly")
        await upsert(connection, Schedule("yearly", "0 0 2 1 *", "UTC", "tidy"), owner="7")
        changed = await find(connection, "yearly")
        now = await store.read_clock(connection)
    assert kept is not None
    assert changed is not None
    assert kept.payload == {"room": "bath"}
    assert kept.next_fire < now < changed.next_fire


async def test_a_schedule_that_the_code_no_longer_has_is_silent(database: Database) -> None:
    old = Scheduler(database, [YEARLY])
    async with old._leader:
        await old.look()
    await make_due(database, "yearly")
    new = Scheduler(database, [])
    async with new._leader:
        await new.look()
    assert await number_of_jobs(database) == 0


async def test_when_the_leader_is_killed_another_leads_and_nothing_is_missed_or_doubled(
    database: Database, second: Database
) -> None:
    environment = {**os.environ, "DATABASE_URL": database.url}
    process = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), env=environment)
    try:

        async def stored() -> bool:
            async with database.acquire() as connection:
                return await find(connection, "yearly") is not None

        await eventually(stored)
        other = Scheduler(second, [YEARLY])
        async with other._leader:
            assert not await other._leader.leads()
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await eventually(other._leader.leads)
            await make_due(database, "yearly")
            await other.look()
            await other.look()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert await number_of_jobs(database) == 1
