"""What a service's API does with jobs: put one in the queue, ask for the end of one."""

from datetime import timedelta
from uuid import UUID, uuid4

import orjson
from pydantic import BaseModel

from shared.jobs.types import FinishedHook, FinishedJob, JobStatus
from shared.messaging.outbox import append_direct
from shared.postgres import Connection
from shared.telemetry import current_traceparent

_NOW = timedelta(0)
MOST_PRIORITY = 1000

_ENQUEUE = """
    INSERT INTO jobs (id, type, payload, unique_key, run_at, priority, traceparent, turn, deadline)
    VALUES ($1, $2, $3, $4, now() + $5, $6::smallint, $7,
        now() + $5 - make_interval(mins => $6::smallint), now() + $8::interval)
    ON CONFLICT (type, unique_key) WHERE status IN ('queued', 'running') DO NOTHING
    RETURNING id, current_schema() AS service
"""
_SAME = """
    SELECT id FROM jobs WHERE type = $1 AND unique_key = $2 AND status IN ('queued', 'running') FOR SHARE
"""
_CANCEL_QUEUED = """
    UPDATE jobs
    SET status = 'cancelled', finished_at = now(), cancel_requested = true,
        progress_sequence = progress_sequence + 1
    WHERE id = $1 AND status = 'queued'
    RETURNING type, payload, attempt
"""
_CANCEL_RUNNING = "UPDATE jobs SET cancel_requested = true WHERE id = $1 AND status = 'running' RETURNING true"


def wake_queue(service: str) -> str:
    """The queue whose messages tell a service's workers to look for jobs."""
    return f"{service}.jobs.wake"


async def enqueue(
    connection: Connection,
    job_type: str,
    payload: BaseModel,
    *,
    unique_key: str | None = None,
    delay: timedelta | None = None,
    priority: int = 0,
    deadline: timedelta | None = None,
) -> UUID:
    """Queue a job in the caller's transaction and return its id.

    With ``unique_key`` at most one job of the type and key waits or runs: the id of that one is
    returned when there is one. Each point of ``priority`` (-1000 to 1000) counts as a minute of waiting,
    so that what is urgent goes first and the rest still has its turn. A job with a ``delay`` starts
    within about a second after it. One that is not finished when ``deadline`` has passed from now fails,
    whether it has started or not.
    """
    if abs(priority) > MOST_PRIORITY:
        raise ValueError(f"a priority is from -{MOST_PRIORITY} to {MOST_PRIORITY}, not {priority}")
    while True:
        row = await connection.fetchrow(
            _ENQUEUE,
            uuid4(),
            job_type,
            payload.model_dump(mode="json"),
            unique_key,
            delay or _NOW,
            priority,
            current_traceparent(),
            deadline,
        )
        if row is not None:
            break
        # The other may finish between the two statements: then there is room for this one.
        same: UUID | None = await connection.fetchval(_SAME, job_type, unique_key)
        if same is not None:
            return same
    job_id: UUID = row["id"]
    if not delay:
        await append_direct(
            connection,
            queue=wake_queue(row["service"]),
            subject=f"jobs/{job_id}",
            body=orjson.dumps({"job_id": str(job_id)}),
        )
    return job_id


async def request_cancel(connection: Connection, job_id: UUID, *, on_finished: FinishedHook | None = None) -> bool:
    """Ask for the end of a job in the caller's transaction; False when it is finished or unknown.

    One that waits is cancelled by this call, and ``on_finished`` (the hook of its type) runs in the
    same transaction. One that runs is told within about a second and ends as cancelled by its worker,
    which runs the hook.
    """
    while True:
        row = await connection.fetchrow(_CANCEL_QUEUED, job_id)
        if row is not None:
            if on_finished is not None:
                job = FinishedJob(job_id, row["type"], row["payload"], JobStatus.CANCELLED, row["attempt"])
                await on_finished(connection, job)
            return True
        if await connection.fetchval(_CANCEL_RUNNING, job_id):
            return True
        # A running job may have gone back to the queue between the two statements.
        status = await connection.fetchval("SELECT status FROM jobs WHERE id = $1", job_id)
        if status != JobStatus.QUEUED:
            return False
