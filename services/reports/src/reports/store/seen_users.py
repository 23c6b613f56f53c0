"""Users as their events told of them: the name for reports, nothing else of the person."""

from datetime import datetime

from shared.postgres import Connection

_APPLY = """
    INSERT INTO seen_users AS seen (id, name, role, registered_at, deleted, version)
    VALUES ($1, $2, $3, $4, false, $5)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role,
        registered_at = excluded.registered_at, version = excluded.version
    WHERE excluded.version > seen.version AND NOT seen.deleted
"""
# A user who is deleted stays so, whatever comes later.
_APPLY_DELETED = """
    INSERT INTO seen_users AS seen (id, deleted, version) VALUES ($1, true, $2)
    ON CONFLICT (id) DO UPDATE SET name = NULL, role = NULL, deleted = true,
        version = greatest(excluded.version, seen.version)
    WHERE NOT seen.deleted
"""


async def apply(
    connection: Connection, *, user_id: int, name: str, role: str, registered_at: datetime, version: int
) -> None:
    """Take over what is newer."""
    await connection.execute(_APPLY, user_id, name, role, registered_at, version)


async def apply_deleted(connection: Connection, *, user_id: int, version: int) -> None:
    """Forget the person behind the number."""
    await connection.execute(_APPLY_DELETED, user_id, version)
