"""Authorization codes in Postgres, by their SHA-256."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.postgres import Connection, count_rows
from users.domain.authorization import CODE_LIFETIME, AuthorizationRequest

_INSERT = """
    INSERT INTO oauth_codes
        (digest, client_id, user_id, browser_session_id, redirect_uri, code_challenge, scopes, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval)
"""
# The browser's session is asked too: what was allowed before a logout everywhere must not begin anything after it.
_LOCK = """
    SELECT codes.client_id, codes.user_id, redirect_uri, code_challenge, codes.scopes, session_id,
        used_at IS NOT NULL AS used,
        codes.expires_at > clock_timestamp() AND browser.ended_at IS NULL AS alive
    FROM oauth_codes AS codes JOIN sessions AS browser ON browser.id = browser_session_id
    WHERE digest = $1 FOR UPDATE OF codes
"""
_USE = "UPDATE oauth_codes SET used_at = clock_timestamp(), session_id = $2 WHERE digest = $1"
_TRIM = """
    DELETE FROM oauth_codes WHERE digest IN (
        SELECT digest FROM oauth_codes WHERE expires_at < now() - interval '1 day' LIMIT $1
    )
"""


@dataclass(frozen=True, slots=True)
class Code:
    """What a code is bound to; ``session_id`` is the session that its use began."""

    client_id: str
    user_id: int
    redirect_uri: str
    code_challenge: str
    scopes: tuple[str, ...]
    session_id: int | None
    used: bool
    alive: bool


async def insert(
    connection: Connection,
    digest: bytes,
    request: AuthorizationRequest,
    *,
    user_id: int,
    browser_session_id: int,
    scopes: Sequence[str],
) -> None:
    """Keep a code for as long as it may be used."""
    await connection.execute(
        _INSERT,
        digest,
        request.client_id,
        user_id,
        browser_session_id,
        request.redirect_uri,
        request.code_challenge,
        list(scopes),
        CODE_LIFETIME,
    )


async def lock(connection: Connection, digest: bytes) -> Code | None:
    """The code, locked until the transaction ends: of two uses at once one sees the other."""
    row = await connection.fetchrow(_LOCK, digest)
    return Code(**{**row, "scopes": tuple(row["scopes"])}) if row else None


async def use(connection: Connection, digest: bytes, session_id: int | None) -> None:
    """Spend a code: on a session, or on nothing when what came with it was wrong."""
    await connection.execute(_USE, digest, session_id)


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` codes that expired a day ago; returns how many."""
    return count_rows(await connection.execute(_TRIM, limit))
