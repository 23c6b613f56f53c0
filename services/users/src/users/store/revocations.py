"""The table ``revocations``: filled by triggers, read here until the tokens meant have expired."""

from shared.identity import Revocation
from shared.postgres import Connection, count_rows

_CLOCKS_DIFFER_SECONDS = 5
"""A token issued just before the end may say a little later than the database's clock."""

_TAKE_UNPUBLISHED = """
    UPDATE revocations SET published_to = $1 WHERE id IN (
        SELECT id FROM revocations WHERE expires_at > now() AND published_to IS DISTINCT FROM $1
        ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING user_id, session_id, generation, extract(epoch FROM revoked_at)::bigint AS revoked_at,
        extract(epoch FROM expires_at)::bigint AS expires_at
"""
_TRIM = """
    DELETE FROM revocations WHERE id IN (SELECT id FROM revocations WHERE expires_at < now() LIMIT $1)
"""


async def take_unpublished(connection: Connection, redis_id: str, limit: int) -> list[Revocation]:
    """What this Redis has not been told, marked as told with the caller's transaction."""
    rows = await connection.fetch(_TAKE_UNPUBLISHED, redis_id, limit)
    return [
        Revocation(
            user_id=row["user_id"],
            session=str(row["session_id"]) if row["session_id"] is not None else None,
            not_before=row["revoked_at"] + _CLOCKS_DIFFER_SECONDS,
            until=row["expires_at"],
            generation=row["generation"],
        )
        for row in rows
    ]


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` rows that no living token could be of; how many."""
    return count_rows(await connection.execute(_TRIM, limit))
