"""A job as its owner may see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.jobs.types import JobStatus
from shared.postgres import Connection

_FIND = """
    SELECT id, type, status, percent, message, progress_sequence AS sequence, result, created_at, finished_at
    FROM jobs WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class JobState:
    """The row without what is for people on call; ``percent`` is 0 to 100."""

    id: UUID
    type: str
    status: JobStatus
    percent: int
    message: str
    sequence: int
    result: Any
    created_at: datetime
    finished_at: datetime | None


async def find_job(connection: Connection, job_id: UUID) -> JobState | None:
    """The job of this id; None when there is none, or none any more."""
    row = await connection.fetchrow(_FIND, job_id)
    if row is None:
        return None
    fields: dict[str, Any] = {**row, "status": JobStatus(row["status"])}
    return JobState(**fields)
