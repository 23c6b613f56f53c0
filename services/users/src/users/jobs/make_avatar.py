"""users.make_avatar: the thumbnails of a picture, shown once all of them are there."""

import asyncio
from datetime import timedelta
from functools import partial

from prometheus_client import Counter

from shared.jobs import FinishedJob, JobContext, JobFailed, JobStatus, JobType
from shared.postgres import Connection
from users.avatar_files import AvatarFiles
from users.clearing_avatars import clear_up
from users.domain.avatars import AvatarSize
from users.jobs.avatar_payloads import MAKE_AVATAR, MakeAvatar
from users.store import avatars as store
from users.thumbnails import MEMORY_MB, PictureRefused, make_thumbnails

ENDED = Counter("users_avatars_total", "Pictures that were to become avatars, by how it ended.", ["status"])
_SIZES = [size.value for size in AvatarSize]
_SUPERSEDED = "Another picture came after this one, or the avatar was removed."


def make_job(files: AvatarFiles) -> JobType[MakeAvatar]:
    """The job type: a picture that needs longer or more memory than a real one does is refused."""
    return JobType(
        MAKE_AVATAR,
        partial(_handle, files),
        payload=MakeAvatar,
        lease=timedelta(seconds=15),
        max_attempts=3,
        timeout=timedelta(seconds=90),
        memory_limit=MEMORY_MB,
        on_finished=partial(_on_finished, files),
    )


async def _handle(files: AvatarFiles, context: JobContext, payload: MakeAvatar) -> None:
    async with context.database.acquire() as connection:
        avatar = await store.find(connection, payload.user_id)
    if avatar is None or avatar.upload_id != payload.upload_id:
        raise JobFailed(_SUPERSEDED)
    if avatar.made_id != payload.upload_id:  # else an attempt before this one died after it was through
        await context.progress(10, "making thumbnails")
        await _make(files, context, payload)
        await context.progress(90, "storing")
        async with context.database.transaction() as connection:
            is_last = await store.show(connection, payload.user_id, payload.upload_id)
        if not is_last:
            raise JobFailed(_SUPERSEDED)
    context.finish_with({"sizes": _SIZES})


async def _make(files: AvatarFiles, context: JobContext, payload: MakeAvatar) -> None:
    place = files.thumbnails(payload.user_id, payload.upload_id)
    try:
        await context.run_in_process(make_thumbnails, files.upload(payload.upload_id), place, _SIZES)
    except PictureRefused as error:
        raise JobFailed(str(error)) from error
    except FileNotFoundError as error:
        # Whoever ends meanwhile clears up what is of no picture that counts: this one's too, if another came.
        async with context.database.acquire() as connection:
            avatar = await store.find(connection, payload.user_id)
        counts = avatar is not None and avatar.upload_id == payload.upload_id
        raise JobFailed("The picture is gone; upload it again." if counts else _SUPERSEDED) from error


async def _on_finished(files: AvatarFiles, connection: Connection, job: FinishedJob) -> None:
    payload = MakeAvatar.model_validate(job.payload)
    await asyncio.to_thread(files.remove_upload, payload.upload_id)
    await clear_up(files, connection, payload.user_id)
    ENDED.labels("refused" if job.status is JobStatus.FAILED else job.status.value).inc()
