"""The table ``service_tokens``: access tokens of clients themselves, until they expire."""

from datetime import timedelta
from uuid import UUID

from shared.identity import Revocation
from shared.postgres import Connection, count_rows

_CLOCKS_DIFFER = timedelta(minutes=1)

_FORGET_EXPIRED = "DELETE FROM service_tokens WHERE client_id = $1 AND expires_at < now()"
_INSERT = "INSERT INTO service_tokens (token_id, client_id, expires_at) VALUES ($1, $2, now() + $3::interval)"
_ALIVE = """
    SELECT EXISTS (SELECT FROM service_tokens WHERE token_id = $1 AND revoked_at IS NULL AND expires_at > now())
"""
_REVOKE = "UPDATE service_tokens SET revoked_at = clock_timestamp() WHERE token_id = $1 AND revoked_at IS NULL"
_REVOKE_ALL = """
    UPDATE service_tokens SET revoked_at = clock_timestamp()
    WHERE client_id = $1 AND revoked_at IS NULL AND expires_at > now()
"""
_TAKE_UNPUBLISHED = """
    UPDATE service_tokens SET published_to = $1 WHERE token_id IN (
        SELECT token_id FROM service_tokens
        WHERE revoked_at IS NOT NULL AND expires_at > now() AND published_to IS DISTINCT FROM $1
        LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING token_id, extract(epoch FROM expires_at)::bigint AS expires_at
"""
_TRIM = """
    DELETE FROM service_tokens WHERE token_id IN (
        SELECT token_id FROM service_tokens WHERE expires_at < now() LIMIT $1)
"""


async def insert(connection: Connection, token_id: UUID, client_id: str, lifetime: timedelta) -> None:
    """Note a token that is handed out; the client's expired ones go."""
    await connection.execute(_FORGET_EXPIRED, client_id)
    await connection.execute(_INSERT, token_id, client_id, lifetime + _CLOCKS_DIFFER)


async def is_alive(connection: Connection, token_id: UUID) -> bool:
    """Whether the token was given and has not ended."""
    return bool(await connection.fetchval(_ALIVE, token_id))


async def revoke(connection: Connection, token_id: UUID) -> None:
    """End a token."""
    await connection.execute(_REVOKE, token_id)


async def revoke_all(connection: Connection, client_id: str) -> None:
    """End all tokens of a client that are out."""
    await connection.execute(_REVOKE_ALL, client_id)


async def take_unpublished(connection: Connection, redis_id: str, limit: int) -> list[Revocation]:
    """What this Redis has not been told, marked as told with the caller's transaction."""
    rows = await connection.fetch(_TAKE_UNPUBLISHED, redis_id, limit)
    return [Revocation(user_id=0, session=str(row["token_id"]), not_before=0, until=row["expires_at"]) for row in rows]


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` tokens that expired; how many."""
    return count_rows(await connection.execute(_TRIM, limit))
