"""Schedules of reports, each with when it fires next, which the clock's own table says."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg

from reports.domain.report import ReportFormat, ReportType
from reports.domain.report_schedule import ReportSchedule, SchedulePeriod
from shared.postgres import Connection

_SELECT = """
    SELECT report.id, user_id, report.cron, report.timezone, type, format, params, period, everyone, notify, error,
        disabled, clock.next_fire AS next_run_at, last_run_at, last_report_id, report.created_at
    FROM report_schedules AS report
    LEFT JOIN schedules AS clock ON clock.name = 'report-schedule-' || report.id AND NOT disabled
"""
_INSERT = """
    INSERT INTO report_schedules (user_id, cron, timezone, type, format, params, period, everyone, notify)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
"""
_FIND = _SELECT + " WHERE report.id = $1"
_LOCK = _SELECT + " WHERE report.id = $1 FOR UPDATE OF report"
_PAGE = _SELECT + " WHERE user_id = $1 ORDER BY report.id LIMIT $2 OFFSET $3"
_COUNT = "SELECT count(*) FROM report_schedules WHERE user_id = $1"
# Two requests of one user at the same time would both count before either is there.
_LOCK_USER = "SELECT pg_advisory_xact_lock(hashtextextended('report schedules of user ' || $1::text, 0))"
_DELETE = "DELETE FROM report_schedules WHERE id = $1"
_DELETE_ALL = "DELETE FROM report_schedules WHERE user_id = $1"
_RAN = """
    UPDATE report_schedules
    SET last_run_at = $2, last_report_id = coalesce($3, last_report_id), error = $4, disabled = disabled OR $5
    WHERE id = $1
"""
_ROLE = "SELECT role, deleted FROM seen_users WHERE id = $1"
_OWNER_DISABLED = "SELECT EXISTS (SELECT FROM seen_users WHERE id = $1 AND disabled)"


async def insert(
    connection: Connection,
    *,
    user_id: int,
    cron: str,
    timezone: str,
    report_type: ReportType,
    report_format: ReportFormat,
    params: Mapping[str, Any],
    period: SchedulePeriod | None,
    everyone: bool,
    notify: bool,
) -> int:
    """Write a new schedule; its id."""
    return await connection.fetchval(
        _INSERT, user_id, cron, timezone, report_type, report_format, params, period, everyone, notify
    )


async def find(connection: Connection, schedule_id: int) -> ReportSchedule | None:
    """The schedule of this id."""
    return _schedule(await connection.fetchrow(_FIND, schedule_id))


async def lock(connection: Connection, schedule_id: int) -> ReportSchedule | None:
    """The same; nobody else runs or deletes it until the transaction ends."""
    return _schedule(await connection.fetchrow(_LOCK, schedule_id))


async def page(connection: Connection, user_id: int, limit: int, offset: int) -> list[ReportSchedule]:
    """A user's schedules, the oldest first."""
    rows = await connection.fetch(_PAGE, user_id, limit, offset)
    return [schedule for row in rows if (schedule := _schedule(row))]


async def count(connection: Connection, user_id: int) -> int:
    """How many schedules the user has."""
    return await connection.fetchval(_COUNT, user_id)


async def lock_user_and_count(connection: Connection, user_id: int) -> int:
    """How many schedules the user has; none is added until the transaction ends."""
    await connection.execute(_LOCK_USER, str(user_id))
    return await count(connection, user_id)


async def note_run(
    connection: Connection, schedule_id: int, at: datetime, report_id: int | None, error: str | None, *, disable: bool
) -> None:
    """Write down what a run came to."""
    await connection.execute(_RAN, schedule_id, at, report_id, error, disable)


async def role_of_owner(connection: Connection, user_id: int) -> str | None:
    """The role that users have told of; None when they have not, or the user is gone."""
    row = await connection.fetchrow(_ROLE, user_id)
    return None if row is None or row["deleted"] else row["role"]


async def owner_is_disabled(connection: Connection, user_id: int) -> bool:
    """Whether an admin has disabled the account, as users have told."""
    return bool(await connection.fetchval(_OWNER_DISABLED, user_id))


async def delete(connection: Connection, schedule_id: int) -> None:
    """Forget a schedule."""
    await connection.execute(_DELETE, schedule_id)


async def delete_all_of(connection: Connection, user_id: int) -> None:
    """Forget all of a user."""
    await connection.execute(_DELETE_ALL, user_id)


def _schedule(row: asyncpg.Record | None) -> ReportSchedule | None:
    if row is None:
        return None
    return ReportSchedule(
        id=row["id"],
        user_id=row["user_id"],
        cron=row["cron"],
        timezone=row["timezone"],
        type=ReportType(row["type"]),
        format=ReportFormat(row["format"]),
        params=row["params"],
        period=SchedulePeriod(row["period"]) if row["period"] else None,
        everyone=row["everyone"],
        notify=row["notify"],
        error=row["error"],
        disabled=row["disabled"],
        next_run_at=row["next_run_at"],
        last_run_at=row["last_run_at"],
        last_report_id=row["last_report_id"],
        created_at=row["created_at"],
    )
