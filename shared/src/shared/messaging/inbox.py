"""The inbox: which messages a consumer has handled, written in the transaction of the effect."""

from collections.abc import Sequence
from datetime import timedelta

from shared.postgres import Connection, count_rows

RETENTION = timedelta(days=30)
"""Longer than the log of events is kept and than a parked message should wait."""

_CLAIM = """
    INSERT INTO inbox (consumer, message_id) VALUES ($1, $2)
    ON CONFLICT DO NOTHING
    RETURNING true
"""
# In the order of the ids: two consumers that claim the same ones wait for each other, and never in a ring.
_CLAIM_ALL = """
    INSERT INTO inbox (consumer, message_id)
    SELECT $1, message_id FROM unnest($2::text[]) AS asked (message_id) ORDER BY message_id
    ON CONFLICT DO NOTHING
    RETURNING message_id
"""
_RELEASE = "DELETE FROM inbox WHERE consumer = $1 AND message_id = ANY ($2::text[])"
_TRIM = """
    DELETE FROM inbox WHERE (consumer, message_id) IN (
        SELECT consumer, message_id FROM inbox WHERE received_at < now() - $1::interval LIMIT $2
    )
"""


async def claim(connection: Connection, consumer: str, message_id: str) -> bool:
    """Whether the message is new to the consumer; it is marked as handled with this transaction.

    A second delivery at the same time waits here for the first to commit.
    """
    return await connection.fetchval(_CLAIM, consumer, message_id) is True


async def claim_all(connection: Connection, consumer: str, message_ids: Sequence[str]) -> set[str]:
    """Those of the messages that are new to the consumer, marked as handled with this transaction."""
    return {row["message_id"] for row in await connection.fetch(_CLAIM_ALL, consumer, message_ids)}


async def release(connection: Connection, consumer: str, message_ids: Sequence[str]) -> None:
    """Take back claims of this transaction whose messages are not handled in it."""
    await connection.execute(_RELEASE, consumer, message_ids)


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` rows older than the retention; returns how many."""
    return count_rows(await connection.execute(_TRIM, RETENTION, limit))
