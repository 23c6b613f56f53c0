"""Browsers that are signed in at our pages: rows of ``sessions``, so that they are listed and ended with the others."""

from dataclasses import dataclass

from shared.postgres import Connection, count_rows
from users.domain.account import Role, User
from users.domain.authorization import BROWSER_LOGIN_LIFETIME, SECOND_STEP_LIFETIME
from users.domain.sessions import Client

_BEGIN = """
    INSERT INTO sessions (user_id, user_agent, address, expires_at, browser_digest)
    VALUES ($1, $2, $3, now() + $4::interval, $5) RETURNING id
"""
_FIND = """
    SELECT sessions.id, user_id, email, role FROM sessions JOIN users ON users.id = user_id
    WHERE browser_digest = $1 AND ended_at IS NULL AND expires_at > now() AND disabled_at IS NULL
"""
_TOUCH = "UPDATE sessions SET last_used_at = now() WHERE id = $1 AND last_used_at < now() - interval '1 minute'"
_END = "UPDATE sessions SET ended_at = now(), end_reason = 'logout' WHERE browser_digest = $1 AND ended_at IS NULL"
_AWAIT = """
    INSERT INTO oauth_pending_logins (digest, user_id, password_changed_at, expires_at)
    VALUES ($1, $2, $3, now() + $4::interval)
"""
_AWAITED = """
    SELECT users.id FROM oauth_pending_logins AS pending JOIN users ON users.id = user_id
    WHERE digest = $1 AND pending.expires_at > now() AND disabled_at IS NULL
    AND pending.password_changed_at IS NOT DISTINCT FROM users.password_changed_at
"""
_FORGET_AWAITED = "DELETE FROM oauth_pending_logins WHERE digest = $1"
_TRIM = """
    DELETE FROM oauth_pending_logins WHERE digest IN (
        SELECT digest FROM oauth_pending_logins WHERE expires_at < now() LIMIT $1
    )
"""


@dataclass(frozen=True, slots=True)
class SignedInBrowser:
    """A browser's session and whose it is."""

    session_id: int
    user_id: int
    email: str
    role: Role


async def begin(connection: Connection, user_id: int, client: Client, digest: bytes) -> int:
    """Sign a browser in; the session's id."""
    return await connection.fetchval(_BEGIN, user_id, client.user_agent, client.address, BROWSER_LOGIN_LIFETIME, digest)


async def find(connection: Connection, digest: bytes) -> SignedInBrowser | None:
    """Who is signed in with this cookie."""
    row = await connection.fetchrow(_FIND, digest)
    if row is None:
        return None
    await connection.execute(_TOUCH, row["id"])
    return SignedInBrowser(row["id"], row["user_id"], row["email"], Role(row["role"]))


async def end(connection: Connection, digest: bytes) -> None:
    """Sign the browser out; nothing when it is not signed in."""
    await connection.execute(_END, digest)


async def await_second_factor(connection: Connection, user: User, digest: bytes) -> None:
    """Remember that this browser gave the right password, for some minutes."""
    await connection.execute(_AWAIT, digest, user.id, user.password_changed_at, SECOND_STEP_LIFETIME)


async def awaited(connection: Connection, digest: bytes) -> int | None:
    """Whose second factor this browser owes; None when the password was changed meanwhile."""
    return await connection.fetchval(_AWAITED, digest)


async def forget_awaited(connection: Connection, digest: bytes) -> None:
    """The browser owes nothing any more."""
    await connection.execute(_FORGET_AWAITED, digest)


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` second steps that nobody took; returns how many."""
    return count_rows(await connection.execute(_TRIM, limit))
