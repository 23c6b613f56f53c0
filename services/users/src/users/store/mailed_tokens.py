"""The tokens of mailed links in Postgres. Whoever writes here holds the account's row locked first."""

from uuid import UUID

import asyncpg

from shared.postgres import Connection, count_rows
from users.domain.mailed_tokens import MOST_MAILS, MailedToken, Purpose

_GOOD = "digest = $1 AND purpose = $2 AND ended_at IS NULL AND expires_at > now()"
_COUNT = """
    SELECT count(DISTINCT job_id) FROM mailed_tokens
    WHERE user_id = $1 AND purpose = $2 AND job_id <> $3 AND created_at > now() - $4::interval
"""
_END_OLDER = """
    UPDATE mailed_tokens SET ended_at = now()
    WHERE user_id = $1 AND purpose = $2 AND job_id <> $3 AND ended_at IS NULL
"""
_INSERT = """
    INSERT INTO mailed_tokens (digest, user_id, purpose, email, job_id, expires_at)
    VALUES ($1, $2, $3, $4, $5, now() + $6::interval)
"""
_FIND = f"SELECT user_id, email FROM mailed_tokens WHERE {_GOOD}"  # noqa: S608 - a constant
_SPEND = f"UPDATE mailed_tokens SET ended_at = now() WHERE {_GOOD} RETURNING user_id, email"  # noqa: S608 - a constant
_END_CHANGES = """
    UPDATE mailed_tokens SET ended_at = now() WHERE user_id = $1 AND purpose <> 'verify_email' AND ended_at IS NULL
"""
_TRIM = """
    DELETE FROM mailed_tokens WHERE digest IN (SELECT digest FROM mailed_tokens WHERE expires_at < now() LIMIT $1)
"""


async def insert(
    connection: Connection, user_id: int, purpose: Purpose, *, email: str, digest: bytes, job_id: UUID
) -> bool:
    """Keep the token of a mail, which ends those of earlier mails. False, and nothing, after too many mails."""
    lifetime = purpose.lifetime
    if await connection.fetchval(_COUNT, user_id, purpose, job_id, lifetime) >= MOST_MAILS:
        return False
    await connection.execute(_END_OLDER, user_id, purpose, job_id)
    await connection.execute(_INSERT, digest, user_id, purpose, email, job_id, lifetime)
    return True


async def find(connection: Connection, purpose: Purpose, digest: bytes) -> MailedToken | None:
    """The token if it is good, unspent."""
    return _token(await connection.fetchrow(_FIND, digest, purpose))


async def spend(connection: Connection, purpose: Purpose, digest: bytes) -> MailedToken | None:
    """Spend the token if it is good: of two requests at once one gets it."""
    return _token(await connection.fetchrow(_SPEND, digest, purpose))


async def end_changes(connection: Connection, user_id: int) -> None:
    """End what was mailed to this user and could change the account."""
    await connection.execute(_END_CHANGES, user_id)


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` tokens that have expired; how many."""
    return count_rows(await connection.execute(_TRIM, limit))


def _token(row: asyncpg.Record | None) -> MailedToken | None:
    return MailedToken(row["user_id"], row["email"]) if row else None
