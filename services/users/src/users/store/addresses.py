"""An account's address on its way: proved, asked for, taken, left. Whoever writes here holds the account locked."""

import asyncpg

from shared.postgres import Connection
from users.domain.account import EmailTaken
from users.domain.emails import email_key

_ASK = """
    UPDATE users SET pending_email = $2, pending_email_at = now(), pending_email_session = $3,
        version = version + 1, updated_at = now()
    WHERE id = $1
"""
_PROVE = "UPDATE users SET email_verified_at = now(), version = version + 1, updated_at = now() WHERE id = $1"
_TAKE = """
    UPDATE users SET previous_email = email, email = $2, email_key = $3, email_verified_at = now(),
        pending_email = NULL, pending_email_at = NULL, pending_email_session = NULL,
        version = version + 1, updated_at = now()
    WHERE id = $1
"""
_ASKING_SESSION = "SELECT pending_email_session FROM users WHERE id = $1"
_FORGET = "UPDATE users SET pending_email = NULL, pending_email_at = NULL, pending_email_session = NULL WHERE id = $1"
_PREVIOUS = "SELECT previous_email FROM users WHERE id = $1"
_FORGET_PREVIOUS = "UPDATE users SET previous_email = NULL WHERE id = $1 AND previous_email = $2"


async def ask(connection: Connection, user_id: int, email: str, session_id: int | None) -> None:
    """Note the address that the account is to have once it is proved, and the session that asks for it."""
    await connection.execute(_ASK, user_id, email, session_id)


async def prove(connection: Connection, user_id: int) -> None:
    """Note that the account's address is its owner's."""
    await connection.execute(_PROVE, user_id)


async def take(connection: Connection, user_id: int, email: str) -> None:
    """Put the address that was proved in the place of the old one.

    Raises EmailTaken, after which the transaction can only roll back.
    """
    try:
        await connection.execute(_TAKE, user_id, email, email_key(email))
    except asyncpg.UniqueViolationError as error:
        raise EmailTaken from error


async def asking_session(connection: Connection, user_id: int) -> int | None:
    """The session that asked for another address; None for an API key."""
    found: int | None = await connection.fetchval(_ASKING_SESSION, user_id)
    return found


async def forget(connection: Connection, user_id: int) -> None:
    """What was asked for is not to be any more."""
    await connection.execute(_FORGET, user_id)


async def previous(connection: Connection, user_id: int) -> str | None:
    """The address before the last change, until its owner was told."""
    found: str | None = await connection.fetchval(_PREVIOUS, user_id)
    return found


async def forget_previous(connection: Connection, user_id: int, email: str) -> None:
    """Its owner was told."""
    await connection.execute(_FORGET_PREVIOUS, user_id, email)
