"""users.remove_avatars: the files of an avatar that was removed, or of a user who was deleted; lost uploads too."""

import asyncio
from datetime import timedelta
from functools import partial

import structlog

from shared.jobs import JobContext, JobType
from shared.schedules import Schedule
from users.avatar_files import AvatarFiles
from users.clearing_avatars import clear_up
from users.jobs.avatar_payloads import REMOVE_AVATARS, SWEEP_UPLOADS, RemoveAvatars, SweepUploads

log = structlog.stdlib.get_logger(__name__)

_LOST_AFTER = timedelta(hours=6)
SWEEP = Schedule("users.sweep_uploads", "23 * * * *", "UTC", SWEEP_UPLOADS)


def remove_job(files: AvatarFiles) -> JobType[RemoveAvatars]:
    """The job type."""
    return JobType(REMOVE_AVATARS, partial(_remove, files), payload=RemoveAvatars, max_attempts=20)


def sweep_job(files: AvatarFiles) -> JobType[SweepUploads]:
    """Removes pictures whose request was killed before it named them, so that no job will."""
    return JobType(SWEEP_UPLOADS, partial(_sweep, files), payload=SweepUploads)


async def _remove(files: AvatarFiles, context: JobContext, payload: RemoveAvatars) -> None:
    async with context.database.transaction() as connection:
        await clear_up(files, connection, payload.user_id)


async def _sweep(files: AvatarFiles, _context: JobContext, _payload: SweepUploads) -> None:
    swept = await asyncio.to_thread(files.sweep_uploads, _LOST_AFTER.total_seconds())
    if swept:
        log.info("uploads_swept", count=swept)
