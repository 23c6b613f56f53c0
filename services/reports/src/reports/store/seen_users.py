"""Users as their events told of them: the name for reports, the address for mail on them, and no more."""

from dataclasses import dataclass
from datetime import datetime

from shared.postgres import Connection

_APPLY = """
    INSERT INTO seen_users AS seen (id, name, role, registered_at, deleted, version, email, disabled)
    VALUES ($1, $2, $3, $4, false, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role,
        registered_at = excluded.registered_at, version = excluded.version, email = excluded.email,
        disabled = excluded.disabled
    WHERE excluded.version > seen.version AND NOT seen.deleted
"""
# A user who is deleted stays so, whatever comes later.
_APPLY_DELETED = """
    INSERT INTO seen_users AS seen (id, deleted, version) VALUES ($1, true, $2)
    ON CONFLICT (id) DO UPDATE SET name = NULL, role = NULL, email = NULL, deleted = true,
        version = greatest(excluded.version, seen.version)
    WHERE NOT seen.deleted
"""
_RECIPIENT = "SELECT name, email FROM seen_users WHERE id = $1 AND NOT deleted AND NOT disabled AND email IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a mail."""

    name: str
    email: str


async def apply(
    connection: Connection,
    *,
    user_id: int,
    name: str,
    role: str,
    disabled: bool,
    email: str,
    registered_at: datetime,
    version: int,
) -> None:
    """Take over what is newer."""
    await connection.execute(_APPLY, user_id, name, role, registered_at, version, email, disabled)


async def apply_deleted(connection: Connection, *, user_id: int, version: int) -> None:
    """Forget the person behind the number."""
    await connection.execute(_APPLY_DELETED, user_id, version)


async def recipient(connection: Connection, user_id: int) -> Recipient | None:
    """Whom to write to; None when the user is gone or disabled, or no event has told the address."""
    row = await connection.fetchrow(_RECIPIENT, user_id)
    return Recipient(row["name"], row["email"]) if row else None
