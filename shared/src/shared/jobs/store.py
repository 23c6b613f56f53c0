"""SQL of the worker. Each write after the claim is fenced by worker and attempt: who lost the lease writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.jobs.types import ClaimedJob, JobStatus, JobType
from shared.postgres import Connection, count_rows

# The two sources are locked one after the other, so that each uses its own index.
_CLAIM = """
    WITH kinds AS (
        SELECT * FROM unnest($1::text[], $2::interval[], $3::integer[]) AS k (type, lease, max_attempts)
    ), expired AS (
        SELECT id FROM jobs
        WHERE status = 'running' AND lease_until < clock_timestamp() AND type = ANY($1)
        ORDER BY lease_until LIMIT $5 FOR UPDATE SKIP LOCKED
    ), waiting AS (
        SELECT id FROM jobs
        WHERE status = 'queued' AND run_at <= clock_timestamp() AND type = ANY($1)
        ORDER BY priority DESC, run_at, id LIMIT $5 FOR UPDATE SKIP LOCKED
    ), chosen AS (
        SELECT id FROM (SELECT id, 0 AS turn FROM expired UNION ALL SELECT id, 1 FROM waiting) AS both_kinds
        ORDER BY turn LIMIT $5
    )
    UPDATE jobs
    SET status = 'running', attempt = attempt + 1, max_attempts = kinds.max_attempts, locked_by = $4,
        lease_until = clock_timestamp() + kinds.lease, started_at = coalesce(started_at, clock_timestamp()),
        progress_sequence = progress_sequence + 1
    FROM kinds
    WHERE jobs.type = kinds.type AND jobs.id IN (SELECT id FROM chosen)
    RETURNING jobs.id, jobs.type, payload, attempt, traceparent
"""
_HELD = """
    SELECT id, cancel_requested FROM jobs WHERE id = ANY($1::uuid[]) AND locked_by = $2 AND status = 'running'
"""
_RENEW = """
    UPDATE jobs SET lease_until = clock_timestamp() + $4
    WHERE id = $1 AND locked_by = $2 AND attempt = $3 AND status = 'running'
    RETURNING true
"""
_PROGRESS = """
    UPDATE jobs SET percent = $4, message = $5, progress_sequence = progress_sequence + 1
    WHERE id = $1 AND locked_by = $2 AND attempt = $3 AND status = 'running'
    RETURNING progress_sequence
"""
_FINISH = """
    UPDATE jobs
    SET status = $4, finished_at = clock_timestamp(), lease_until = NULL, locked_by = NULL, error = $5,
        percent = CASE WHEN $4 = 'succeeded' THEN 100 ELSE percent END, message = $6,
        progress_sequence = progress_sequence + 1
    WHERE id = $1 AND locked_by = $2 AND attempt = $3 AND status = 'running'
    RETURNING progress_sequence, percent
"""
_REQUEUE = """
    UPDATE jobs
    SET status = 'queued', lease_until = NULL, locked_by = NULL, error = $4,
        run_at = clock_timestamp() + $5, attempt = attempt - $6, progress_sequence = progress_sequence + 1
    WHERE id = $1 AND locked_by = $2 AND attempt = $3 AND status = 'running'
    RETURNING progress_sequence
"""
_WAITING = """
    SELECT type, count(*) AS rows FROM (
        SELECT type FROM jobs WHERE status = 'queued' AND run_at <= now() LIMIT 100000
    ) AS counted GROUP BY type
"""
_TRIM = """
    DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished_at < now() - $1::interval LIMIT $2)
"""

RETENTION = timedelta(days=30)
"""How long finished jobs are kept."""


@dataclass(frozen=True, slots=True)
class Held:
    """A job whose lease is still ours, and whether its end was asked for."""

    id: UUID
    cancel_requested: bool


async def claim(connection: Connection, worker: UUID, types: Sequence[JobType[Any]], limit: int) -> list[ClaimedJob]:
    """Take up to ``limit`` jobs: those whose worker is gone first, then by priority and age."""
    rows = await connection.fetch(
        _CLAIM, [t.name for t in types], [t.lease for t in types], [t.max_attempts for t in types], worker, limit
    )
    return [
        ClaimedJob(row["id"], row["type"], row["payload"], row["attempt"], row["traceparent"], worker) for row in rows
    ]


async def read_held(connection: Connection, worker: UUID, ids: Sequence[UUID]) -> list[Held]:
    """Which of these jobs this worker still holds."""
    return [Held(row["id"], row["cancel_requested"]) for row in await connection.fetch(_HELD, ids, worker)]


async def renew(connection: Connection, job: ClaimedJob, lease: timedelta) -> bool:
    """Prolong the lease; False when it is lost."""
    return await connection.fetchval(_RENEW, job.id, job.worker, job.attempt, lease) is True


async def write_progress(connection: Connection, job: ClaimedJob, percent: int, message: str) -> int | None:
    """The progress's sequence number, None when the lease is lost."""
    return await connection.fetchval(_PROGRESS, job.id, job.worker, job.attempt, percent, message)


async def finish(
    connection: Connection, job: ClaimedJob, status: JobStatus, error: str | None, message: str
) -> tuple[int, int] | None:
    """Set the final status; the sequence number and percent, None when the lease is lost."""
    row = await connection.fetchrow(_FINISH, job.id, job.worker, job.attempt, status.value, error, message)
    return (row["progress_sequence"], row["percent"]) if row else None


async def requeue(
    connection: Connection, job: ClaimedJob, *, error: str | None, delay: timedelta, counts: bool
) -> bool:
    """Put the job back, with ``counts`` as a failed attempt; False when the lease is lost."""
    burnt = 0 if counts else 1
    return (await connection.fetchval(_REQUEUE, job.id, job.worker, job.attempt, error, delay, burnt)) is not None


async def count_waiting(connection: Connection) -> dict[str, int]:
    """Jobs that could start now, by type (at most 100,000 are counted)."""
    return {row["type"]: row["rows"] for row in await connection.fetch(_WAITING)}


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` jobs that finished longer ago than the retention; returns how many."""
    return count_rows(await connection.execute(_TRIM, RETENTION, limit))
