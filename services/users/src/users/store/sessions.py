"""Sessions and their refresh tokens in Postgres."""

from dataclasses import dataclass

import asyncpg

from shared.postgres import Connection, count_rows
from users.domain.sessions import SESSION_LIFETIME, Client, Session

_ALIVE = "ended_at IS NULL AND expires_at > now()"
_COLUMNS = """
    id, user_agent, address, created_at, last_used_at, expires_at,
    (SELECT name FROM oauth_clients WHERE oauth_clients.client_id = sessions.client_id) AS client
"""

_INSERT = """
    INSERT INTO sessions (user_id, user_agent, address, expires_at) VALUES ($1, $2, $3, now() + $4::interval)
    RETURNING id
"""
_FORGET_DEAD = "DELETE FROM sessions WHERE user_id = $1 AND (expires_at < now() OR ended_at < now() - interval '1 day')"
_TRIM = """
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions WHERE expires_at < now() OR ended_at < now() - interval '1 day' LIMIT $1
    )
"""
_INSERT_TOKEN = "INSERT INTO refresh_tokens (digest, session_id) VALUES ($1, $2)"  # noqa: S105 - no password
_LOCK_BY_TOKEN = f"""
    SELECT sessions.id, user_id, scopes, {_ALIVE} AS alive
    FROM refresh_tokens JOIN sessions ON sessions.id = refresh_tokens.session_id
    WHERE digest = $1 AND client_id IS NOT DISTINCT FROM $2 FOR UPDATE OF sessions
"""  # noqa: S608 - a constant
_TOKEN_USED = "SELECT used_at IS NOT NULL FROM refresh_tokens WHERE digest = $1"  # noqa: S105 - no password
_USE = "UPDATE refresh_tokens SET used_at = clock_timestamp() WHERE digest = $1"
_TOUCH = "UPDATE sessions SET last_used_at = now() WHERE id = $1"
_END = "UPDATE sessions SET ended_at = now(), end_reason = $2 WHERE id = $1 AND ended_at IS NULL"
_END_BY_TOKEN = """
    UPDATE sessions SET ended_at = now(), end_reason = 'logout'
    FROM refresh_tokens WHERE digest = $1 AND sessions.id = session_id AND ended_at IS NULL
    RETURNING user_id
"""  # noqa: S105 - no password
_END_OWN = f"""
    UPDATE sessions SET ended_at = now(), end_reason = 'ended_by_user'
    WHERE user_id = $1 AND {_ALIVE} AND ($2::bigint IS NULL OR id = $2)
    RETURNING id
"""  # noqa: S608 - a constant
_END_OTHERS = """
    UPDATE sessions SET ended_at = now(), end_reason = $3
    WHERE user_id = $1 AND ended_at IS NULL AND ($2::bigint IS NULL OR id <> $2)
    RETURNING id
"""
_PAGE = f"SELECT {_COLUMNS} FROM sessions WHERE user_id = $1 AND {_ALIVE} ORDER BY id DESC LIMIT $2 OFFSET $3"  # noqa: S608 - a constant
_COUNT = f"SELECT count(*) FROM sessions WHERE user_id = $1 AND {_ALIVE}"  # noqa: S608 - a constant
_FIND = f"SELECT {_COLUMNS} FROM sessions WHERE user_id = $1 AND id = $2 AND {_ALIVE}"  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class TokenUse:
    """What a refresh token stands for; ``scopes`` are what an OAuth client was allowed."""

    session_id: int
    user_id: int
    scopes: tuple[str, ...] | None
    session_alive: bool
    used: bool


def _session(row: asyncpg.Record) -> Session:
    return Session(**{name: row[name] for name in Session.__dataclass_fields__})


async def begin(connection: Connection, user_id: int, client: Client, digest: bytes) -> int:
    """Start a session with its first refresh token; the user's dead sessions go."""
    await connection.execute(_FORGET_DEAD, user_id)
    session_id: int = await connection.fetchval(_INSERT, user_id, client.user_agent, client.address, SESSION_LIFETIME)
    await connection.execute(_INSERT_TOKEN, digest, session_id)
    return session_id


async def lock_by_token(connection: Connection, digest: bytes, client_id: str | None) -> TokenUse | None:
    """The session of this OAuth client's refresh token (None: of a login), locked, and whether the token was used.

    The token is read after the session's lock is had, by a statement of its own: a statement that
    waited for a lock does not see what the lock's holder wrote elsewhere.
    """
    session = await connection.fetchrow(_LOCK_BY_TOKEN, digest, client_id)
    if session is None:
        return None
    used: bool | None = await connection.fetchval(_TOKEN_USED, digest)
    if used is None:
        return None
    scopes = tuple(session["scopes"]) if session["scopes"] is not None else None
    return TokenUse(session["id"], session["user_id"], scopes, session["alive"], used)


async def rotate(connection: Connection, session_id: int, used: bytes, new: bytes) -> None:
    """Spend a refresh token and put the next one in its place."""
    await connection.execute(_USE, used)
    await connection.execute(_INSERT_TOKEN, new, session_id)
    await connection.execute(_TOUCH, session_id)


async def end(connection: Connection, session_id: int, reason: str) -> None:
    """End a session with all its refresh tokens."""
    await connection.execute(_END, session_id, reason)


async def end_by_token(connection: Connection, digest: bytes) -> int | None:
    """End the session of a refresh token, used or not; whose it was, None when there was none to end."""
    return await connection.fetchval(_END_BY_TOKEN, digest)


async def end_own(connection: Connection, user_id: int, session_id: int | None) -> int:
    """End one session of a user, or all of them; how many were ended."""
    return len(await connection.fetch(_END_OWN, user_id, session_id))


async def end_others(
    connection: Connection, user_id: int, except_session_id: int | None, reason: str = "credentials_changed"
) -> int:
    """End all of a user's sessions but this one, or all when it is None; how many were ended."""
    return len(await connection.fetch(_END_OTHERS, user_id, except_session_id, reason))


async def page(connection: Connection, user_id: int, limit: int, offset: int) -> tuple[list[Session], int]:
    """The user's living sessions, the newest first, and how many there are in all."""
    total: int = await connection.fetchval(_COUNT, user_id)
    return [_session(row) for row in await connection.fetch(_PAGE, user_id, limit, offset)], total


async def find(connection: Connection, user_id: int, session_id: int) -> Session | None:
    """A living session of this user."""
    row = await connection.fetchrow(_FIND, user_id, session_id)
    return _session(row) if row else None


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` sessions that expired, or ended a day ago, with their tokens; returns how many."""
    return count_rows(await connection.execute(_TRIM, limit))
