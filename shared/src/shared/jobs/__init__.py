"""Jobs: rows with a lease and progress in Postgres, woken by a message, heavy work in processes."""

from shared.jobs.context import JobContext
from shared.jobs.progress import JobNotFound, JobProgress, read_steps, watch_progress
from shared.jobs.queue import enqueue, request_cancel
from shared.jobs.state import JobState, find_job
from shared.jobs.types import FinishedJob, JobCancelled, JobFailed, JobStatus, JobType
from shared.jobs.worker import JobWorker

__all__ = [
    "FinishedJob",
    "JobCancelled",
    "JobContext",
    "JobFailed",
    "JobNotFound",
    "JobProgress",
    "JobState",
    "JobStatus",
    "JobType",
    "JobWorker",
    "enqueue",
    "find_job",
    "read_steps",
    "request_cancel",
    "watch_progress",
]
