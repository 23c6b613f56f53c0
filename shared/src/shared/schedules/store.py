"""Schedules in Postgres, whose clock is the one that counts."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.postgres import Connection, count_rows
from shared.schedules.cron import next_fire
from shared.schedules.schedule import Schedule

# What did not change keeps its next time: a restart must not push a time away that is due.
_UPSERT = """
    INSERT INTO schedules (name, owner, cron, timezone, job_type, payload, missed, next_fire)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (name) DO UPDATE
    SET job_type = excluded.job_type, payload = excluded.payload, missed = excluded.missed,
        cron = excluded.cron, timezone = excluded.timezone,
        next_fire = CASE WHEN (schedules.cron, schedules.timezone) = (excluded.cron, excluded.timezone)
                         THEN schedules.next_fire ELSE excluded.next_fire END
    WHERE schedules.owner IS NOT DISTINCT FROM excluded.owner
    RETURNING true
"""
_DELETE = "DELETE FROM schedules WHERE name = $1 AND owner IS NOT DISTINCT FROM $2"
_DELETE_ALL = "DELETE FROM schedules WHERE owner = $1"
_COLUMNS = "name, owner, cron, timezone, job_type, payload, missed, next_fire, last_fire, created_at"
_PAGE = f"SELECT {_COLUMNS} FROM schedules WHERE owner = $1 ORDER BY created_at, name LIMIT $2 OFFSET $3"  # noqa: S608 - a constant
_COUNT = "SELECT count(*) FROM schedules WHERE owner = $1"
_FIND = f"SELECT {_COLUMNS} FROM schedules WHERE name = $1"  # noqa: S608 - a constant
_DUE = f"""
    SELECT {_COLUMNS} FROM schedules
    WHERE next_fire <= now() - $1::interval AND (owner IS NOT NULL OR name = ANY($2))
    ORDER BY next_fire LIMIT $3 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - a constant
_AHEAD = f"SELECT {_COLUMNS} FROM schedules WHERE next_fire > now() AND name > $1 ORDER BY name LIMIT $2"  # noqa: S608 - a constant
_BRING_FORWARD = "UPDATE schedules SET next_fire = $2 WHERE name = $1 AND next_fire > $2"
_FIRE = """
    INSERT INTO schedule_fires (schedule, fire_time) VALUES ($1, $2)
    ON CONFLICT DO NOTHING
    RETURNING true
"""
_ADVANCE = "UPDATE schedules SET next_fire = $2, last_fire = coalesce($3, last_fire) WHERE name = $1"
_TRIM = """
    DELETE FROM schedule_fires WHERE (schedule, fire_time) IN (
        SELECT schedule, fire_time FROM schedule_fires WHERE fired_at < now() - $1::interval LIMIT $2
    )
"""

RETENTION = timedelta(days=30)
"""How long the times that were fired are kept: longer than any clock is set back."""


class ScheduleTaken(Exception):  # noqa: N818 - the name says what happened
    """The name is another owner's."""


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule and when it fires; times in UTC."""

    name: str
    owner: str | None
    cron: str
    timezone: str
    job_type: str
    payload: dict[str, Any]
    missed: str
    next_fire: datetime
    last_fire: datetime | None
    created_at: datetime


async def upsert(connection: Connection, schedule: Schedule, *, owner: str | None) -> None:
    """Write a schedule, or change the one of its name; ``owner`` is null for those of the code.

    Raises ScheduleTaken when the name is another owner's.
    """
    first = next_fire(schedule.cron, schedule.timezone, await read_clock(connection))
    values = (schedule.cron, schedule.timezone, schedule.job_type, dict(schedule.payload), schedule.missed, first)
    if not await connection.fetchval(_UPSERT, schedule.name, owner, *values):
        raise ScheduleTaken(schedule.name)


async def delete(connection: Connection, name: str, *, owner: str | None) -> bool:
    """Forget a schedule; False when the owner has none of this name."""
    return count_rows(await connection.execute(_DELETE, name, owner)) == 1


async def delete_all_of(connection: Connection, owner: str) -> int:
    """Forget all schedules of an owner; how many there were."""
    return count_rows(await connection.execute(_DELETE_ALL, owner))


async def list_of(connection: Connection, owner: str, limit: int, offset: int = 0) -> list[StoredSchedule]:
    """The schedules of an owner, the oldest first."""
    return [StoredSchedule(**row) for row in await connection.fetch(_PAGE, owner, limit, offset)]


async def count_of(connection: Connection, owner: str) -> int:
    """How many schedules an owner has."""
    return await connection.fetchval(_COUNT, owner)


async def find(connection: Connection, name: str) -> StoredSchedule | None:
    """The schedule of this name."""
    row = await connection.fetchrow(_FIND, name)
    return StoredSchedule(**row) if row else None


async def read_clock(connection: Connection) -> datetime:
    """The time of Postgres; in a transaction, of its beginning."""
    return await connection.fetchval("SELECT now()")


async def lock_due(
    connection: Connection, known: Collection[str], limit: int, *, overdue: timedelta
) -> list[StoredSchedule]:
    """Schedules whose time came ``overdue`` ago or earlier: users' and, of the code's, the ``known`` ones."""
    return [StoredSchedule(**row) for row in await connection.fetch(_DUE, overdue, list(known), limit)]


async def read_ahead(connection: Connection, after: str, limit: int) -> list[StoredSchedule]:
    """Schedules that wait for their time, by name, from behind ``after``."""
    return [StoredSchedule(**row) for row in await connection.fetch(_AHEAD, after, limit)]


async def bring_forward(connection: Connection, name: str, to: datetime) -> None:
    """Let a schedule fire at ``to`` when that is before the time it waits for."""
    await connection.execute(_BRING_FORWARD, name, to)


async def mark_fired(connection: Connection, name: str, fire_time: datetime) -> bool:
    """Note that a time was fired; False when it was already, and then nothing may be queued."""
    return await connection.fetchval(_FIRE, name, fire_time) is True


async def advance(connection: Connection, name: str, following: datetime, fired: datetime | None) -> None:
    """Let a schedule wait for its ``following`` time."""
    await connection.execute(_ADVANCE, name, following, fired)


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` fired times older than the retention; returns how many."""
    return count_rows(await connection.execute(_TRIM, RETENTION, limit))
