"""The inbox: which messages a consumer has handled, written in the transaction of the effect."""

from datetime import timedelta

from shared.postgres import Connection, count_rows

RETENTION = timedelta(days=30)
"""Longer than the log of events is kept and than a parked message should wait."""

_CLAIM = """
    INSERT INTO inbox (consumer, message_id) VALUES ($1, $2)
    ON CONFLICT DO NOTHING
    RETURNING true
"""
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


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` rows older than the retention; returns how many."""
    return count_rows(await connection.execute(_TRIM, RETENTION, limit))
