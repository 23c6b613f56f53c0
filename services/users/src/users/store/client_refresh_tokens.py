"""Refresh tokens that OAuth clients hold for people, looked at and not spent."""

from dataclasses import dataclass
from datetime import datetime

from shared.postgres import Connection

_FIND_LIVING = """
    SELECT session_id, user_id, client_id, scopes, issued_at, expires_at
    FROM refresh_tokens
    JOIN sessions ON sessions.id = refresh_tokens.session_id JOIN users ON users.id = sessions.user_id
    WHERE digest = $1 AND used_at IS NULL AND client_id IS NOT NULL
    AND ended_at IS NULL AND expires_at > now() AND disabled_at IS NULL
"""
_SESSION_OF = """
    SELECT session_id FROM refresh_tokens JOIN sessions ON sessions.id = refresh_tokens.session_id
    WHERE digest = $1 AND client_id = $2
"""


@dataclass(frozen=True, slots=True)
class LivingRefreshToken:
    """A refresh token that could be spent now."""

    session_id: int
    user_id: int
    client_id: str
    scopes: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime


async def find_living(connection: Connection, digest: bytes) -> LivingRefreshToken | None:
    """The token, unless it was spent, or its session has ended or its user may not act."""
    row = await connection.fetchrow(_FIND_LIVING, digest)
    return LivingRefreshToken(**{**row, "scopes": tuple(row["scopes"] or ())}) if row else None


async def session_of(connection: Connection, digest: bytes, client_id: str) -> int | None:
    """The session of a token of this client's, spent or not."""
    return await connection.fetchval(_SESSION_OF, digest, client_id)
