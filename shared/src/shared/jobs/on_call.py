"""SQL of people on call: what is there, the end of a job, another try of one that failed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.jobs.types import JobStatus
from shared.postgres import Connection

_LIST = """
    SELECT id, type, status, percent, attempt, message, error, created_at, run_at, finished_at FROM jobs
    WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR type = $2)
    ORDER BY created_at DESC, id LIMIT $3
"""
_SHOW = """
    SELECT id, type, status, percent, message, error, attempt, max_attempts, priority, unique_key, cancel_requested,
        payload, result, checkpoint, created_at, run_at, started_at, lease_until, locked_by, deadline, finished_at,
        traceparent
    FROM jobs WHERE id = $1
"""
_STEPS = "SELECT at, sequence, status, percent, message FROM job_steps WHERE job_id = $1 ORDER BY sequence"
_CANCEL = """
    UPDATE jobs SET cancel_requested = true WHERE id = $1 AND status IN ('queued', 'running') RETURNING true
"""
_RETRY = """
    UPDATE jobs
    SET status = 'queued', finished_at = NULL, attempt = 0, run_at = now(), turn = now(), deadline = NULL,
        cancel_requested = false, message = '', result = NULL, progress_sequence = progress_sequence + 1
    WHERE id = $1 AND status IN ('failed', 'cancelled')
    RETURNING true
"""


async def list_jobs(
    connection: Connection, *, status: JobStatus | None, job_type: str | None, limit: int
) -> list[Mapping[str, Any]]:
    """Jobs of a status and a type, or of any, the newest first."""
    return [dict(row) for row in await connection.fetch(_LIST, status, job_type, limit)]


async def show_job(connection: Connection, job_id: UUID) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]] | None:
    """All of a job and its steps; None when it is not there."""
    row = await connection.fetchrow(_SHOW, job_id)
    if row is None:
        return None
    return dict(row), [dict(step) for step in await connection.fetch(_STEPS, job_id)]


async def ask_for_end(connection: Connection, job_id: UUID) -> bool:
    """Ask for the end of a job that waits or runs; False when there is no such one.

    A worker ends it, also when it waits, since only a worker knows the hook of its type.
    """
    return await connection.fetchval(_CANCEL, job_id) is True


async def retry(connection: Connection, job_id: UUID) -> bool:
    """Put a job that failed or was cancelled back into the queue, from its checkpoint; False when there is none.

    Its deadline is forgotten. The hook of its type runs once more at its new end. Raises
    UniqueViolationError when another of its key waits or runs.
    """
    return await connection.fetchval(_RETRY, job_id) is True
