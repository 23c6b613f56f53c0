"""Removes the thumbnails that nobody will ask for any more."""

import asyncio

from shared.postgres import Connection
from users.avatar_files import AvatarFiles
from users.store import avatars as store


async def clear_up(files: AvatarFiles, connection: Connection, user_id: int) -> None:
    """Leave the user's thumbnails that are shown or being made, and nothing else."""
    # Under the user's lock no upload comes in between, whose thumbnails would go too.
    await store.lock_user(connection, user_id)
    avatar = await store.find(connection, user_id)
    keep = {avatar.upload_id, avatar.made_id} if avatar else set()
    await asyncio.to_thread(files.keep_only, user_id, [made_id for made_id in keep if made_id is not None])
