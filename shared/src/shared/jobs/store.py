"""SQL of the worker. Each write after the claim is fenced by worker and attempt: who lost the lease writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from shared.jobs.types import ClaimedJob, JobStatus, JobType
from shared.postgres import Connection, count_rows

# Of each type as many as the worker has room for, by its own index; a row that another looks at is skipped.
_CLAIM = """
    WITH kinds AS (
        SELECT * FROM unnest($1::text[], $2::interval[], $3::integer[], $4::integer[])
            AS k (type, lease, max_attempts, room)
    ), expired AS (
        SELECT id FROM jobs
        WHERE status = 'running' AND lease_until < clock_timestamp() AND type = ANY($1)
        ORDER BY lease_until LIMIT $6 FOR UPDATE SKIP LOCKED
    ), waiting AS (
        SELECT one.id, one.turn FROM kinds CROSS JOIN LATERAL (
            SELECT id, turn FROM jobs
            WHERE status = 'queued' AND type = kinds.type AND run_at <= clock_timestamp()
            ORDER BY turn, id LIMIT least(kinds.room, $6) FOR UPDATE SKIP LOCKED
        ) AS one
    ), chosen AS (
        SELECT id FROM (
            SELECT id, '-infinity'::timestamptz AS turn FROM expired UNION ALL SELECT id, turn FROM waiting
        ) AS both_kinds
        ORDER BY turn, id LIMIT $6
    )
    UPDATE jobs
    SET status = 'running', attempt = attempt + 1, max_attempts = kinds.max_attempts, locked_by = $5,
        lease_until = clock_timestamp() + kinds.lease, started_at = coalesce(started_at, clock_timestamp()),
        progress_sequence = progress_sequence + 1
    FROM kinds
    WHERE jobs.type = kinds.type AND jobs.id IN (SELECT id FROM chosen)
    RETURNING jobs.id, jobs.type, payload, attempt, traceparent, checkpoint, cancel_requested,
        extract(epoch FROM deadline - clock_timestamp())::float8 AS seconds_left
"""
# These need no work, only their end: a worker takes them however much it has to do.
_CLAIM_OVER = """
    WITH kinds AS (
        SELECT * FROM unnest($1::text[], $2::interval[], $3::integer[]) AS k (type, lease, max_attempts)
    ), late AS (
        SELECT id FROM jobs
        WHERE status = 'queued' AND deadline <= clock_timestamp() AND type = ANY($1)
        ORDER BY deadline LIMIT $5 FOR UPDATE SKIP LOCKED
    ), unwanted AS (
        SELECT id FROM jobs
        WHERE status = 'queued' AND cancel_requested AND type = ANY($1)
        ORDER BY id LIMIT $5 FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs
    SET status = 'running', attempt = attempt + 1, max_attempts = kinds.max_attempts, locked_by = $4,
        lease_until = clock_timestamp() + kinds.lease, progress_sequence = progress_sequence + 1
    FROM kinds
    WHERE jobs.type = kinds.type AND jobs.id IN (SELECT id FROM late UNION SELECT id FROM unwanted)
    RETURNING jobs.id, jobs.type, payload, attempt, traceparent, checkpoint, cancel_requested,
        extract(epoch FROM deadline - clock_timestamp())::float8 AS seconds_left
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
        percent = CASE WHEN $4 = 'succeeded' THEN 100 ELSE percent END, message = $6, result = $7,
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
_CHECKPOINT = """
    UPDATE jobs SET checkpoint = $4
    WHERE id = $1 AND locked_by = $2 AND attempt = $3 AND status = 'running'
    RETURNING true
"""
# Whoever would take the job over skips a row that is locked so; a renewed lease and progress do not wait for it.
_HOLD = """
    SELECT true FROM jobs
    WHERE id = $1 AND locked_by = $2 AND attempt = $3 AND status = 'running'
    FOR KEY SHARE
"""
_WAITING = """
    SELECT type, count(*) AS rows, extract(epoch FROM now() - min(run_at))::float8 AS oldest_seconds FROM (
        SELECT type, run_at FROM jobs WHERE status = 'queued' AND run_at <= now() LIMIT 100000
    ) AS counted GROUP BY type
"""
_TRIM = """
    DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished_at < now() - $1::interval LIMIT $2)
"""

# A job's last step is its row: who comes back later than this is told the end.
_TRIM_STEPS = """
    DELETE FROM job_steps WHERE (job_id, sequence) IN (
        SELECT job_id, sequence FROM job_steps JOIN jobs ON jobs.id = job_id
        WHERE at < now() - $1::interval AND finished_at < now() - $1::interval
        LIMIT $2
    )
"""

RETENTION = timedelta(days=30)
"""How long finished jobs are kept."""

STEPS_RETENTION = timedelta(days=1)
"""How long the steps of a finished job are kept for a watcher that comes back."""


@dataclass(frozen=True, slots=True)
class Held:
    """A job whose lease is still ours, and whether its end was asked for."""

    id: UUID
    cancel_requested: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """Jobs of a type that could start now, and for how many seconds the oldest could."""

    rows: int
    oldest_seconds: float


async def claim(
    connection: Connection,
    worker: UUID,
    types: Sequence[JobType[Any]],
    limit: int,
    room: Mapping[str, int] | None = None,
) -> list[ClaimedJob]:
    """Take up to ``limit`` jobs: those whose worker is gone first, then by their turn.

    ``room`` is how many of a type may be taken at most, where that is less.
    """
    rows = await connection.fetch(
        _CLAIM,
        [t.name for t in types],
        [t.lease for t in types],
        [t.max_attempts for t in types],
        [(room or {}).get(t.name, limit) for t in types],
        worker,
        limit,
    )
    return [_claimed(row, worker) for row in rows]


async def claim_over(
    connection: Connection, worker: UUID, types: Sequence[JobType[Any]], limit: int
) -> list[ClaimedJob]:
    """Take up to ``limit`` each of the waiting jobs whose deadline has passed or whose end was asked for."""
    rows = await connection.fetch(
        _CLAIM_OVER, [t.name for t in types], [t.lease for t in types], [t.max_attempts for t in types], worker, limit
    )
    return [_claimed(row, worker) for row in rows]


def _claimed(row: asyncpg.Record, worker: UUID) -> ClaimedJob:
    return ClaimedJob(**row, worker=worker)


async def read_held(connection: Connection, worker: UUID, ids: Sequence[UUID]) -> list[Held]:
    """Which of these jobs this worker still holds."""
    return [Held(row["id"], row["cancel_requested"]) for row in await connection.fetch(_HELD, ids, worker)]


async def renew(connection: Connection, job: ClaimedJob, lease: timedelta) -> bool:
    """Prolong the lease; False when it is lost."""
    return await connection.fetchval(_RENEW, job.id, job.worker, job.attempt, lease) is True


async def write_progress(connection: Connection, job: ClaimedJob, percent: int, message: str) -> int | None:
    """The progress's sequence number, None when the lease is lost."""
    return await connection.fetchval(_PROGRESS, job.id, job.worker, job.attempt, percent, message)


async def write_checkpoint(connection: Connection, job: ClaimedJob, data: Any) -> bool:
    """Keep what the next attempt goes on from; False when the lease is lost."""
    return await connection.fetchval(_CHECKPOINT, job.id, job.worker, job.attempt, data) is True


async def hold(connection: Connection, job: ClaimedJob) -> bool:
    """Whether the job is ours; then nobody takes it over before the transaction ends."""
    return await connection.fetchval(_HOLD, job.id, job.worker, job.attempt) is True


async def finish(
    connection: Connection, job: ClaimedJob, status: JobStatus, error: str | None, message: str, *, result: Any = None
) -> tuple[int, int] | None:
    """Set the final status; the sequence number and percent, None when the lease is lost."""
    row = await connection.fetchrow(_FINISH, job.id, job.worker, job.attempt, status.value, error, message, result)
    return (row["progress_sequence"], row["percent"]) if row else None


async def requeue(
    connection: Connection, job: ClaimedJob, *, error: str | None, delay: timedelta, counts: bool
) -> bool:
    """Put the job back, with ``counts`` as a failed attempt; False when the lease is lost."""
    burnt = 0 if counts else 1
    return (await connection.fetchval(_REQUEUE, job.id, job.worker, job.attempt, error, delay, burnt)) is not None


async def count_waiting(connection: Connection) -> dict[str, Waiting]:
    """Jobs that could start now, by type (at most 100,000 are counted)."""
    return {row["type"]: Waiting(row["rows"], row["oldest_seconds"]) for row in await connection.fetch(_WAITING)}


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` jobs that finished longer ago than the retention; returns how many."""
    return count_rows(await connection.execute(_TRIM, RETENTION, limit))


async def trim_steps(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` steps of jobs that finished longer ago than theirs; returns how many."""
    return count_rows(await connection.execute(_TRIM_STEPS, STEPS_RETENTION, limit))
