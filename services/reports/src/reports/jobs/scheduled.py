"""The job that a report schedule starts: it asks for the report of its time."""

from datetime import timedelta
from functools import partial

from pydantic import AwareDatetime, BaseModel

from reports import scheduling
from shared.jobs import JobContext, JobType


class ScheduledReport(BaseModel):
    """Which schedule, and the time that came."""

    schedule_id: int
    scheduled_for: AwareDatetime


def scheduled_job(*, unfinished_limit: int, files_megabytes: int) -> JobType[ScheduledReport]:
    """The job type; the limits are those of a user's reports that are not finished, and of their files."""
    return JobType(
        scheduling.JOB,
        partial(_handle, unfinished_limit, files_megabytes),
        payload=ScheduledReport,
        lease=timedelta(seconds=10),
        max_attempts=8,
        timeout=timedelta(seconds=30),
    )


async def _handle(unfinished_limit: int, files_megabytes: int, context: JobContext, payload: ScheduledReport) -> None:
    async with context.database.transaction() as connection:
        await scheduling.run(
            connection,
            payload.schedule_id,
            payload.scheduled_for,
            unfinished_limit=unfinished_limit,
            files_megabytes=files_megabytes,
        )
