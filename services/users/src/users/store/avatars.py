"""The table ``avatars``."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from shared.postgres import Connection
from users.domain.avatars import Avatar

_COLUMNS = "user_id, upload_id, job_id, made_id"

_FIND = f"SELECT {_COLUMNS} FROM avatars WHERE user_id = $1"  # noqa: S608 - a constant
# The user's row is locked, so that of two uploads at once one comes after the other, and none after the user.
_LOCK_USER = "SELECT true FROM users WHERE id = $1 FOR UPDATE"
_PUT = """
    INSERT INTO avatars (user_id, upload_id, job_id) VALUES ($1, $2, $3)
    ON CONFLICT (user_id) DO UPDATE SET upload_id = excluded.upload_id, job_id = excluded.job_id
"""
_SHOW = "UPDATE avatars SET made_id = upload_id, made_at = now() WHERE user_id = $1 AND upload_id = $2 RETURNING true"
_WAITING_OF = "SELECT upload_id FROM avatars WHERE upload_id = ANY ($1::uuid[]) AND made_id IS DISTINCT FROM upload_id"
_DELETE = "DELETE FROM avatars WHERE user_id = $1 RETURNING true"


def _avatar(row: asyncpg.Record | None) -> Avatar | None:
    return Avatar(**row) if row else None


async def find(connection: Connection, user_id: int) -> Avatar | None:
    """The user's avatar, shown or still being made."""
    return _avatar(await connection.fetchrow(_FIND, user_id))


async def lock_user(connection: Connection, user_id: int) -> bool:
    """Let no other upload of the user's in until the transaction ends; False when there is no such user."""
    return await connection.fetchval(_LOCK_USER, user_id) is True


async def put(connection: Connection, user_id: int, upload_id: UUID, job_id: UUID) -> None:
    """Name the picture that came last, of a locked user; what was shown before stays shown."""
    await connection.execute(_PUT, user_id, upload_id, job_id)


async def show(connection: Connection, user_id: int, upload_id: UUID) -> bool:
    """Show the thumbnails of this picture from now on; False when it is not the last that came."""
    return await connection.fetchval(_SHOW, user_id, upload_id) is True


async def waiting_of(connection: Connection, upload_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these pictures came last for a user and have no thumbnails yet."""
    return {row["upload_id"] for row in await connection.fetch(_WAITING_OF, upload_ids)}


async def delete(connection: Connection, user_id: int) -> bool:
    """Forget the avatar; whether there was one."""
    return await connection.fetchval(_DELETE, user_id) is True
