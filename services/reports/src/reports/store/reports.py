"""Reports that users asked for, each with what its job says while it is not finished."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from reports.domain.report import Report, ReportFormat, ReportStatus, ReportType, StoredFile
from shared.postgres import Connection

# A final report stands for itself, so that its job may be forgotten. Columns are named, never `*`: a
# column that a newer version adds must not change the result of a statement this one has prepared.
_SELECT = """
    SELECT reports.id, reports.user_id, reports.type, format, params, everyone, reports.error, job_id,
        file_name, file_size, file_sha256, reports.created_at, reports.finished_at, version,
        notify, schedule_id,
        coalesce(job.status, reports.status) AS shown_status,
        coalesce(job.percent, reports.progress) AS shown_progress,
        coalesce(job.progress_sequence, reports.sequence) AS shown_sequence
    FROM reports
    LEFT JOIN jobs AS job ON job.id = reports.job_id AND reports.finished_at IS NULL
"""
_INSERT = """
    INSERT INTO reports (user_id, type, format, params, everyone, notify, schedule_id, scheduled_for)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id
"""
_SET_JOB = "UPDATE reports SET job_id = $2 WHERE id = $1"
_FIND = _SELECT + " WHERE reports.id = $1"
_LOCK_JOB = "SELECT FROM jobs WHERE id = $1 FOR UPDATE"
_LOCK = _SELECT + " WHERE reports.id = $1 FOR UPDATE OF reports"
_PAGE = _SELECT + " WHERE reports.user_id = $1 ORDER BY reports.id DESC LIMIT $2 OFFSET $3"
_COUNT = "SELECT count(*) FROM reports WHERE user_id = $1"
_COUNT_UNFINISHED = "SELECT count(*) FROM reports WHERE user_id = $1 AND finished_at IS NULL"
# Two requests of one user at the same time would both count before either is there.
_LOCK_USER = "SELECT pg_advisory_xact_lock(hashtextextended('reports of user ' || $1::text, 0))"
_OF_USER = _SELECT + " WHERE reports.user_id = $1 ORDER BY reports.id"
_SET_FILE = """
    UPDATE reports SET file_name = $2, file_size = $3, file_sha256 = $4 WHERE id = $1 AND finished_at IS NULL
"""
_FINISH = """
    UPDATE reports
    SET status = $2, error = $3, finished_at = now(), version = version + 1,
        progress = CASE WHEN $2 = 'succeeded' THEN 100
                        ELSE coalesce((SELECT percent FROM jobs WHERE id = job_id), 0) END,
        sequence = coalesce((SELECT progress_sequence FROM jobs WHERE id = job_id), 0)
    WHERE id = $1 AND finished_at IS NULL
    RETURNING id
"""
_BYTES = "SELECT coalesce(sum(file_size), 0)::bigint FROM reports WHERE user_id = $1"
_OF_SCHEDULE = "SELECT id FROM reports WHERE schedule_id = $1 AND scheduled_for = $2"
_DELETE_FINISHED = """
    DELETE FROM reports WHERE id IN (
        SELECT id FROM reports WHERE finished_at < now() - $1::interval ORDER BY finished_at LIMIT $2
        FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""
_MISSING = """
    SELECT id FROM unnest($1::bigint[]) AS found (id) WHERE NOT EXISTS (SELECT FROM reports WHERE reports.id = found.id)
    ORDER BY id
"""
_DELETE = "DELETE FROM reports WHERE id = $1"


async def insert(
    connection: Connection,
    *,
    user_id: int,
    report_type: ReportType,
    report_format: ReportFormat,
    params: Mapping[str, Any],
    everyone: bool,
    notify: bool,
    schedule: tuple[int, datetime] | None,
) -> int:
    """Write a new report, of a schedule and its time where it has one; its id."""
    return await connection.fetchval(
        _INSERT, user_id, report_type, report_format, params, everyone, notify, *(schedule or (None, None))
    )


async def of_schedule(connection: Connection, schedule_id: int, scheduled_for: datetime) -> int | None:
    """The report that was made for a time of a schedule; its id."""
    return await connection.fetchval(_OF_SCHEDULE, schedule_id, scheduled_for)


async def set_job(connection: Connection, report_id: int, job_id: UUID) -> None:
    """Name the job that makes it."""
    await connection.execute(_SET_JOB, report_id, job_id)


async def find(connection: Connection, report_id: int) -> Report | None:
    """The report of this id."""
    return _report(await connection.fetchrow(_FIND, report_id))


async def lock(connection: Connection, report: Report) -> Report | None:
    """The report as it is now; nobody else changes it, or its job, until the transaction ends.

    The job's row is locked before the report's, as the worker does at the job's end: no deadlock. The
    report is read after that, by a statement of its own, so that it shows what the job's holder wrote.
    """
    await connection.execute(_LOCK_JOB, report.job_id)
    return _report(await connection.fetchrow(_LOCK, report.id))


async def page(connection: Connection, user_id: int, limit: int, offset: int) -> list[Report]:
    """A user's reports, the newest first."""
    rows = await connection.fetch(_PAGE, user_id, limit, offset)
    return [report for row in rows if (report := _report(row))]


async def count(connection: Connection, user_id: int) -> int:
    """How many reports the user has."""
    return await connection.fetchval(_COUNT, user_id)


async def lock_user_and_count_unfinished(connection: Connection, user_id: int) -> int:
    """How many of the user's reports are not finished; none is added until the transaction ends."""
    await connection.execute(_LOCK_USER, str(user_id))
    return await connection.fetchval(_COUNT_UNFINISHED, user_id)


async def bytes_of_user(connection: Connection, user_id: int) -> int:
    """How many bytes the files of the user's reports have."""
    return await connection.fetchval(_BYTES, user_id)


async def of_user(connection: Connection, user_id: int) -> list[Report]:
    """All reports of a user, the oldest first."""
    return [report for row in await connection.fetch(_OF_USER, user_id) if (report := _report(row))]


async def set_file(connection: Connection, report_id: int, file: StoredFile) -> None:
    """Name the file that was made, while the report is not finished."""
    await connection.execute(_SET_FILE, report_id, file.name, file.size, file.sha256)


async def finish(connection: Connection, report_id: int, status: ReportStatus, error: str | None) -> Report | None:
    """Write the end, with the job's last progress; None when the report is gone or at its end already."""
    if await connection.fetchval(_FINISH, report_id, status, error) is None:
        return None
    return await find(connection, report_id)


async def delete(connection: Connection, report_id: int) -> None:
    """Forget a report."""
    await connection.execute(_DELETE, report_id)


async def delete_finished_before(connection: Connection, age: timedelta, limit: int) -> list[int]:
    """Forget at most ``limit`` reports that were finished longer ago than ``age``, the oldest first; their ids."""
    return [row["id"] for row in await connection.fetch(_DELETE_FINISHED, age, limit)]


async def missing(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Which of these ids no report has."""
    return [row["id"] for row in await connection.fetch(_MISSING, ids)]


def _report(row: asyncpg.Record | None) -> Report | None:
    if row is None:
        return None
    has_file = row["file_sha256"] is not None
    return Report(
        id=row["id"],
        user_id=row["user_id"],
        type=ReportType(row["type"]),
        format=ReportFormat(row["format"]),
        params=row["params"],
        everyone=row["everyone"],
        status=ReportStatus(row["shown_status"]),
        progress=row["shown_progress"],
        sequence=row["shown_sequence"],
        error=row["error"],
        job_id=row["job_id"],
        file=StoredFile(row["file_name"], row["file_size"], row["file_sha256"]) if has_file else None,
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        version=row["version"],
        notify=row["notify"],
        schedule_id=row["schedule_id"],
    )
