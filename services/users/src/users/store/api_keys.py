"""API keys in Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.postgres import Connection
from users.domain.account import Role
from users.domain.sessions import ApiKey

_COLUMNS = "id, name, scopes, created_at, expires_at, last_used_at"

# The owner's row is locked first, so that two requests at once cannot both be the twentieth.
_LOCK_OWNER = "SELECT id FROM users WHERE id = $1 FOR UPDATE"
_COUNT = "SELECT count(*) FROM api_keys WHERE user_id = $1"
_INSERT = f"""
    INSERT INTO api_keys (user_id, name, digest, scopes, expires_at) VALUES ($1, $2, $3, $4, $5)
    RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant
_PAGE = f"SELECT {_COLUMNS} FROM api_keys WHERE user_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3"  # noqa: S608 - a constant
_FIND = f"SELECT {_COLUMNS} FROM api_keys WHERE user_id = $1 AND id = $2"  # noqa: S608 - a constant
_DELETE = "DELETE FROM api_keys WHERE user_id = $1 AND id = $2 RETURNING id"
_FIND_USABLE = """
    SELECT digest, scopes, expires_at, users.id AS user_id, users.role, users.tier, users.token_generation
    FROM api_keys JOIN users ON users.id = api_keys.user_id
    WHERE api_keys.id = $1 AND disabled_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""
_DELETE_ALL = "DELETE FROM api_keys WHERE user_id = $1"
# A busy key would otherwise write a row version a call.
_TOUCH = """
    UPDATE api_keys SET last_used_at = now()
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


@dataclass(frozen=True, slots=True)
class UsableKey:
    """A key that has not expired, with what its owner may do."""

    digest: bytes
    scopes: tuple[str, ...]
    expires_at: datetime | None
    user_id: int
    role: Role
    tier: str
    token_generation: int


def _key(row: asyncpg.Record) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        scopes=tuple(row["scopes"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )


async def count_locked(connection: Connection, user_id: int) -> int:
    """How many keys the user has, certain until the transaction ends."""
    await connection.execute(_LOCK_OWNER, user_id)
    return await connection.fetchval(_COUNT, user_id)


async def insert(
    connection: Connection,
    user_id: int,
    *,
    name: str,
    digest: bytes,
    scopes: Sequence[str],
    expires_at: datetime | None,
) -> ApiKey:
    """Add a key."""
    row = await connection.fetchrow(_INSERT, user_id, name, digest, list(scopes), expires_at)
    if row is None:
        raise LookupError("INSERT returned no row")
    return _key(row)


async def page(connection: Connection, user_id: int, limit: int, offset: int) -> tuple[list[ApiKey], int]:
    """The user's keys, the newest first, and how many there are in all."""
    total: int = await connection.fetchval(_COUNT, user_id)
    return [_key(row) for row in await connection.fetch(_PAGE, user_id, limit, offset)], total


async def find(connection: Connection, user_id: int, key_id: int) -> ApiKey | None:
    """A key of this user."""
    row = await connection.fetchrow(_FIND, user_id, key_id)
    return _key(row) if row else None


async def delete(connection: Connection, user_id: int, key_id: int) -> bool:
    """Remove a key of this user; False when there is none."""
    return await connection.fetchval(_DELETE, user_id, key_id) is not None


async def find_usable(connection: Connection, key_id: int) -> UsableKey | None:
    """The key if it and its owner may still be used."""
    row = await connection.fetchrow(_FIND_USABLE, key_id)
    if row is None:
        return None
    return UsableKey(
        digest=row["digest"],
        scopes=tuple(row["scopes"]),
        expires_at=row["expires_at"],
        user_id=row["user_id"],
        role=Role(row["role"]),
        tier=row["tier"],
        token_generation=row["token_generation"],
    )


async def touch(connection: Connection, key_id: int) -> None:
    """Note that the key was used, once a minute at most."""
    await connection.execute(_TOUCH, key_id)


async def delete_all(connection: Connection, user_id: int) -> None:
    """Remove all keys of a user."""
    await connection.execute(_DELETE_ALL, user_id)
