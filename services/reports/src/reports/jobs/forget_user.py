"""reports.forget_user: what is left to do when a user was deleted."""

from datetime import timedelta
from functools import partial

import structlog
from prometheus_client import Counter

from reports.files.store import ReportFiles
from reports.forgetting import FORGET_USER, ForgetUser, finish
from shared.jobs import JobContext, JobType

log = structlog.stdlib.get_logger(__name__)

FORGOTTEN = Counter("reports_forgotten_total", "What was taken from a deleted user, by what it is.", ["what"])


def forget_job(files: ReportFiles) -> JobType[ForgetUser]:
    """The job type."""
    return JobType(
        FORGET_USER,
        partial(_handle, files),
        payload=ForgetUser,
        max_attempts=20,
        timeout=timedelta(minutes=30),
    )


async def _handle(files: ReportFiles, context: JobContext, payload: ForgetUser) -> None:
    removed, detached = await finish(files, context.database, payload)
    FORGOTTEN.labels("file").inc(removed)
    FORGOTTEN.labels("order").inc(detached)
    log.info("user_forgotten", user_id=payload.user_id, files=removed, orders=detached)
