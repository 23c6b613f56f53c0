"""Removes the files of avatars that nobody will ask for any more."""

import asyncio
from datetime import timedelta

import structlog

from shared.postgres import Connection
from users.avatar_files import AvatarFiles
from users.store import avatars as store

log = structlog.stdlib.get_logger(__name__)

_LOST_AFTER = timedelta(hours=6)


async def clear_up(files: AvatarFiles, connection: Connection, user_id: int) -> None:
    """Leave the user's thumbnails that are shown or being made, and nothing else."""
    # Under the user's lock no upload comes in between, whose thumbnails would go too.
    await store.lock_user(connection, user_id)
    avatar = await store.find(connection, user_id)
    keep = {avatar.upload_id, avatar.made_id} if avatar else set()
    await asyncio.to_thread(files.keep_only, user_id, [made_id for made_id in keep if made_id is not None])


async def delete_lost_uploads(files: AvatarFiles, connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` pictures whose request was killed before it named them; how many.

    One that is named stays until its job is done, however long the workers are away.
    """
    found = await asyncio.to_thread(files.uploads_older_than, _LOST_AFTER)
    wanted = await store.waiting_of(connection, found)
    lost = [upload_id for upload_id in found if upload_id not in wanted][:limit]
    for upload_id in lost:
        await asyncio.to_thread(files.remove_upload, upload_id)
    if lost:
        log.info("uploads_lost", count=len(lost))
    return len(lost)
