"""The table ``signing_keys``."""

from datetime import datetime, timedelta

import asyncpg

from shared.identity import Revocation
from shared.postgres import Connection, count_rows
from users.domain.signing_keys import LATE, VERIFIES_FOR, Algorithm, KeyRecord

WITHDRAWAL_HOLDS = timedelta(days=1)
"""Tokens by a key that leaked may say any ``exp``: they are refused until long after every cache has let it go."""

_COLUMNS = "key_id, algorithm, public_jwk, sealed_private, created_at, signs_from, signs_until, withdrawn_at"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('signing_keys:' || current_schema(), 0))"
_LIVE = f"""
    SELECT {_COLUMNS} FROM signing_keys
    WHERE withdrawn_at IS NULL AND (signs_until IS NULL OR signs_until > $1::timestamptz - $2::interval)
    ORDER BY signs_from, key_id
"""  # noqa: S608 - a constant
_NEWEST = f"SELECT {_COLUMNS} FROM signing_keys ORDER BY signs_from DESC, key_id LIMIT $1"  # noqa: S608 - a constant
_FIND = f"SELECT {_COLUMNS} FROM signing_keys WHERE key_id = $1"  # noqa: S608 - a constant
_INSERT = f"INSERT INTO signing_keys ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"  # noqa: S608 - a constant
_SIGN_FROM = "UPDATE signing_keys SET signs_from = $2 WHERE key_id = $1"
_SIGN_UNTIL = "UPDATE signing_keys SET signs_until = $2 WHERE key_id = $1"
_WITHDRAW = "UPDATE signing_keys SET withdrawn_at = $2, sealed_private = NULL WHERE key_id = $1"
_RESEAL = "UPDATE signing_keys SET sealed_private = $2 WHERE key_id = $1"
_WIPE = "UPDATE signing_keys SET sealed_private = NULL WHERE sealed_private IS NOT NULL AND signs_until < $1"
_TAKE_UNPUBLISHED = """
    UPDATE signing_keys SET withdrawal_published_to = $1 WHERE key_id IN (
        SELECT key_id FROM signing_keys
        WHERE withdrawn_at > now() - $2::interval AND withdrawal_published_to IS DISTINCT FROM $1
        FOR UPDATE SKIP LOCKED)
    RETURNING key_id, withdrawn_at
"""


def _key(row: asyncpg.Record) -> KeyRecord:
    return KeyRecord(
        key_id=row["key_id"],
        algorithm=Algorithm(row["algorithm"]),
        public_jwk=row["public_jwk"],
        sealed_private=row["sealed_private"],
        created_at=row["created_at"],
        signs_from=row["signs_from"],
        signs_until=row["signs_until"],
        withdrawn_at=row["withdrawn_at"],
    )


async def lock(connection: Connection) -> None:
    """Let nobody else change the ring until the transaction ends."""
    await connection.execute(_LOCK)


async def live(connection: Connection, now: datetime) -> list[KeyRecord]:
    """The keys that are not gone, in the order in which they sign."""
    return [_key(row) for row in await connection.fetch(_LIVE, now, VERIFIES_FOR)]


async def newest(connection: Connection, limit: int) -> list[KeyRecord]:
    """The keys that were or will be the last to sign, those that are gone too."""
    return [_key(row) for row in await connection.fetch(_NEWEST, limit)]


async def find(connection: Connection, key_id: str) -> KeyRecord | None:
    """The key of this id."""
    row = await connection.fetchrow(_FIND, key_id)
    return _key(row) if row else None


async def insert(connection: Connection, key: KeyRecord) -> None:
    """Add a key."""
    values = (key.key_id, key.algorithm.value, key.public_jwk, key.sealed_private, key.created_at)
    await connection.execute(_INSERT, *values, key.signs_from, key.signs_until, key.withdrawn_at)


async def sign_from(connection: Connection, key_id: str, moment: datetime) -> None:
    """Let a key begin to sign."""
    await connection.execute(_SIGN_FROM, key_id, moment)


async def sign_until(connection: Connection, key_id: str, moment: datetime | None) -> None:
    """Let a key sign until then; None: until another is to follow."""
    await connection.execute(_SIGN_UNTIL, key_id, moment)


async def withdraw(connection: Connection, key_id: str, now: datetime) -> None:
    """Take a key out of the ring, and its private half out of the database."""
    await connection.execute(_WITHDRAW, key_id, now)


async def reseal(connection: Connection, key_id: str, sealed: str) -> None:
    """Keep a private key encrypted anew."""
    await connection.execute(_RESEAL, key_id, sealed)


async def wipe(connection: Connection, now: datetime) -> int:
    """Forget the private halves that sign no more; how many."""
    return count_rows(await connection.execute(_WIPE, now - LATE))


async def take_unpublished(connection: Connection, redis_id: str) -> list[Revocation]:
    """The withdrawals that this Redis has not been told, marked as told with the caller's transaction."""
    rows = await connection.fetch(_TAKE_UNPUBLISHED, redis_id, WITHDRAWAL_HOLDS)
    return [
        Revocation.of_key(row["key_id"], until=int((row["withdrawn_at"] + WITHDRAWAL_HOLDS).timestamp()))
        for row in rows
    ]
