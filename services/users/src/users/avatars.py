"""Avatars: uploaded, shown, removed."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import BinaryIO
from uuid import UUID, uuid4

from shared.directories import sync_names
from shared.jobs import JobState, enqueue, find_job
from shared.postgres import Connection, Database
from users.avatar_files import AvatarFiles
from users.domain.account import UserNotFound
from users.domain.avatars import (
    HEAD_BYTES,
    MOST_BYTES,
    AvatarNotFound,
    AvatarSize,
    NoPicture,
    PictureTooBig,
    is_picture,
)
from users.jobs.avatar_payloads import (
    MAKE_AVATAR,
    REMOVE_AVATARS,
    MakeAvatar,
    RemoveAvatars,
)
from users.store import avatars as store

_TRIES = 3


async def receive(files: AvatarFiles, body: AsyncIterator[bytes]) -> UUID:
    """Keep a picture as it comes in, bounded as it flows; its upload's id. Raises NoPicture, PictureTooBig."""
    upload_id = uuid4()
    path = files.upload(upload_id)
    try:
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        with await asyncio.to_thread(path.open, "wb") as file:
            await _write(file, body)
        await asyncio.to_thread(sync_names, path.parent)
    except BaseException:
        files.remove_upload(upload_id)
        raise
    return upload_id


async def _write(file: BinaryIO, body: AsyncIterator[bytes]) -> None:
    head, size = b"", 0
    async for chunk in body:
        size += len(chunk)
        if size > MOST_BYTES:
            raise PictureTooBig
        if len(head) < HEAD_BYTES:
            head += chunk[: HEAD_BYTES - len(head)]
            if len(head) == HEAD_BYTES and not is_picture(head):
                raise NoPicture
        await asyncio.to_thread(file.write, chunk)
    if not is_picture(head):
        raise NoPicture
    await asyncio.to_thread(_sync, file)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


async def put(connection: Connection, user_id: int, upload_id: UUID) -> JobState:
    """Have the thumbnails of an upload made; of several uploads the last one wins. Raises UserNotFound."""
    if not await store.lock_user(connection, user_id):
        raise UserNotFound
    # A job of an earlier picture finds at its end, or at its start, that another came, and clears up after itself.
    job_id = await enqueue(connection, MAKE_AVATAR, MakeAvatar(user_id=user_id, upload_id=upload_id))
    await store.put(connection, user_id, upload_id, job_id)
    return await job_of(connection, user_id)


async def job_of(connection: Connection, user_id: int) -> JobState:
    """The job of the picture that came last. Raises AvatarNotFound."""
    avatar = await store.find(connection, user_id)
    job = await find_job(connection, avatar.job_id) if avatar else None
    if job is None:
        raise AvatarNotFound
    return job


async def shown(connection: Connection, user_id: int) -> UUID:
    """The picture that is shown. Raises AvatarNotFound."""
    avatar = await store.find(connection, user_id)
    if avatar is None or avatar.made_id is None:
        raise AvatarNotFound
    return avatar.made_id


async def read(database: Database, files: AvatarFiles, user_id: int, size: AvatarSize) -> tuple[UUID, bytes]:
    """A thumbnail and the picture it is of. Raises AvatarNotFound."""
    for _ in range(_TRIES):  # replaced between the row and the file: the row names another now
        async with database.acquire() as connection:
            made_id = await shown(connection, user_id)
        content = await asyncio.to_thread(files.read, user_id, made_id, size)
        if content is not None:
            return made_id, content
    raise AvatarNotFound


async def remove(connection: Connection, user_id: int) -> bool:
    """Remove the avatar of a user who stays or goes; its files go by a job. Whether there was one."""
    removed = await store.delete(connection, user_id)
    if removed:
        await enqueue(connection, REMOVE_AVATARS, RemoveAvatars(user_id=user_id))
    return removed
