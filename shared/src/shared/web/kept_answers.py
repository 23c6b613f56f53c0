"""The table ``idempotency_keys``, and the lock of a key, which ends with the transaction that has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from shared.postgres import Connection, Write, count_rows

KEPT = timedelta(hours=24)

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 42))"
_LOCK_IN_TURN = "SELECT true FROM pg_advisory_xact_lock(hashtextextended($1, 42))"
# The lock outlives its transaction by a session's lock, which the session that has the one gets at once.
_HOLD = "SELECT pg_advisory_lock(hashtextextended($1, 42))"
_HOLD_NO_LONGER = """
SELECT pg_try_advisory_xact_lock(hashtextextended($1, 42)), pg_advisory_unlock(hashtextextended($1, 42))
"""
_FIND = """
SELECT fingerprint, status, headers, body FROM idempotency_keys
WHERE owner = $1 AND key = $2 AND expires_at > now()
"""
# One round trip for both. Its snapshot may be older than the lock, so that it may miss an answer that was committed
# in between: the key's row, which ``_STORE`` does not take from an answer that is still kept, has the last word.
_LOCK_AND_FIND = """
SELECT lock.held, known.fingerprint, known.status, known.headers, known.body
FROM (SELECT pg_try_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 42)) AS held OFFSET 0) AS lock
LEFT JOIN idempotency_keys AS known ON known.owner = $1 AND known.key = $2 AND known.expires_at > now()
"""
_STORE = """
INSERT INTO idempotency_keys AS known (owner, key, fingerprint, status, headers, body, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)
ON CONFLICT (owner, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
    headers = excluded.headers, body = excluded.body, created_at = now(), expires_at = excluded.expires_at
    WHERE known.expires_at <= now()
RETURNING true
"""
_TRIM = """
DELETE FROM idempotency_keys WHERE (owner, key) IN (
    SELECT owner, key FROM idempotency_keys WHERE expires_at < now() LIMIT $1
)
"""


async def forget_owner(connection: Connection, owner: str) -> None:
    """Delete all answers kept for this caller (the token's ``sub``), who is deleted."""
    await connection.execute("DELETE FROM idempotency_keys WHERE owner = $1", owner)


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` answers whose time is over; returns how many. The worker does."""
    return count_rows(await connection.execute(_TRIM, limit))


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it is stored; ``fingerprint`` is its request's."""

    fingerprint: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class CallersKey:
    """A key of one caller, in the transaction that a connection is in."""

    owner: str
    key: str

    @property
    def _lock(self) -> str:
        return f"{self.owner} {self.key}"

    async def lock(self, connection: Connection) -> bool:
        """Take the lock; False when somebody has it."""
        held: bool = await connection.fetchval(_LOCK, self._lock)
        return held

    async def lock_in_turn(self, connection: Connection) -> None:
        """Take the lock when it is free."""
        await connection.execute(_LOCK_IN_TURN, self._lock)

    async def find(self, connection: Connection) -> KeptAnswer | None:
        """What is kept."""
        row = await connection.fetchrow(_FIND, self.owner, self.key)
        return KeptAnswer(**row) if row is not None else None

    async def lock_and_find(self, connection: Connection) -> tuple[bool, KeptAnswer | None]:
        """Whether the lock was free, and what is kept, in one round trip; an answer of just now may be missed."""
        row = await connection.fetchrow(_LOCK_AND_FIND, self.owner, self.key)
        if row is None:
            raise LookupError("a statement that always gives a row gave none")
        held, *kept = row
        return held, KeptAnswer(*kept) if kept[0] is not None else None

    async def begin_again(self, connection: Connection) -> bool:
        """Undo what the transaction wrote and begin another, the key locked all the while.

        False when nothing can be done in it any more, since a statement failed.
        """
        try:
            await connection.execute(_HOLD, self._lock)
        except asyncpg.InFailedSQLTransactionError:
            return False
        await connection.execute("ROLLBACK AND CHAIN")
        await connection.execute(_HOLD_NO_LONGER, self._lock)
        return True

    def write(self, answer: KeptAnswer) -> Write:
        """The write of an answer; it gives no row when there is one that is still kept."""
        return Write(
            _STORE,
            (self.owner, self.key, answer.fingerprint, answer.status, answer.headers, answer.body, KEPT),
        )
