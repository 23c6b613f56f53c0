"""Sessions of OAuth clients that a person allowed in."""

from collections.abc import Sequence

from shared.postgres import Connection
from users.domain.sessions import SESSION_LIFETIME, Client

# Held until the session stands: a client that is deleted or weakened meanwhile takes it along.
_HOLD_CLIENT = """
    SELECT true FROM oauth_clients
    WHERE client_id = $1 AND scopes @> $2::text[] AND 'authorization_code' = ANY (grants) FOR SHARE
"""
_BEGIN = """
    INSERT INTO sessions (user_id, user_agent, address, expires_at, client_id, scopes)
    VALUES ($1, $2, $3, now() + $4::interval, $5, $6) RETURNING id
"""
_INSERT_TOKEN = "INSERT INTO refresh_tokens (digest, session_id) VALUES ($1, $2)"  # noqa: S105 - no password


async def begin(
    connection: Connection,
    user_id: int,
    origin: Client,
    *,
    client_id: str,
    scopes: Sequence[str],
    token_digest: bytes | None,
) -> int | None:
    """Start a client's session, with its first refresh token if it may have one.

    None when the client is gone, or may not have these scopes any more.
    """
    if await connection.fetchval(_HOLD_CLIENT, client_id, list(scopes)) is None:
        return None
    session_id: int = await connection.fetchval(
        _BEGIN, user_id, origin.user_agent, origin.address, SESSION_LIFETIME, client_id, list(scopes)
    )
    if token_digest is not None:
        await connection.execute(_INSERT_TOKEN, token_digest, session_id)
    return session_id
