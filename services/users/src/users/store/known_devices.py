"""The table ``known_devices``: networks that the owner of an account has logged in from."""

from shared.postgres import Connection, count_rows

_MOST = 20

_KNOWS = "SELECT EXISTS (SELECT FROM known_devices WHERE user_id = $1 AND digest = $2)"
_KNOWS_ANY = "SELECT EXISTS (SELECT FROM known_devices WHERE user_id = $1)"
# xmax is 0 in a row that was inserted, and the transaction's id in one that was updated.
_REMEMBER = """
    INSERT INTO known_devices (user_id, digest) VALUES ($1, $2)
    ON CONFLICT (user_id, digest) DO UPDATE SET last_seen_at = now()
    RETURNING xmax = 0
"""
_KEEP_NEWEST = """
    DELETE FROM known_devices WHERE user_id = $1 AND digest NOT IN (
        SELECT digest FROM known_devices WHERE user_id = $1 ORDER BY last_seen_at DESC LIMIT $2
    )
"""
_TRIM = """
    DELETE FROM known_devices WHERE (user_id, digest) IN (
        SELECT user_id, digest FROM known_devices WHERE last_seen_at < now() - interval '180 days' LIMIT $1
    )
"""


async def knows(connection: Connection, user_id: int, digest: bytes) -> bool:
    """Whether the user has logged in from there."""
    return await connection.fetchval(_KNOWS, user_id, digest)


async def knows_any(connection: Connection, user_id: int) -> bool:
    """Whether the user has logged in from anywhere that is remembered."""
    return await connection.fetchval(_KNOWS_ANY, user_id)


async def remember(connection: Connection, user_id: int, digest: bytes) -> bool:
    """Note a login from there, of the twenty newest places; whether it was not known."""
    is_new: bool = await connection.fetchval(_REMEMBER, user_id, digest)
    if is_new:
        await connection.execute(_KEEP_NEWEST, user_id, _MOST)
    return is_new


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` places not seen for half a year; returns how many."""
    return count_rows(await connection.execute(_TRIM, limit))
