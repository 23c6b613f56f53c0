"""users.remove_avatars: the files of an avatar that was removed, or of a user who was deleted."""

from functools import partial

from shared.jobs import JobContext, JobType
from users.avatar_files import AvatarFiles
from users.clearing_avatars import clear_up
from users.jobs.avatar_payloads import REMOVE_AVATARS, RemoveAvatars


def remove_job(files: AvatarFiles) -> JobType[RemoveAvatars]:
    """The job type."""
    return JobType(REMOVE_AVATARS, partial(_remove, files), payload=RemoveAvatars, max_attempts=20)


async def _remove(files: AvatarFiles, context: JobContext, payload: RemoveAvatars) -> None:
    async with context.database.transaction() as connection:
        await clear_up(files, connection, payload.user_id)
