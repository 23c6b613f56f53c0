"""SQL of the relay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.messaging.outbox import OutboxMessage
from shared.postgres import Connection

# A session lock: it ends with the connection, so a leader that is cut off leads no more.
_LEAD = "SELECT pg_try_advisory_lock(hashtextextended('outbox:' || current_schema(), 0))"

_WAITING = """
    SELECT id, message_id, exchange, routing_key, subject, content_type, body, traceparent, attempts
    FROM outbox AS message
    WHERE NOT EXISTS (
        SELECT FROM outbox AS refused
        WHERE refused.subject = message.subject
          AND refused.id <= message.id
          AND refused.retry_at > clock_timestamp()
    )
    ORDER BY id
    LIMIT $1
"""
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_REFUSED = """
    UPDATE outbox SET attempts = attempts + 1, retry_at = clock_timestamp() + $2 WHERE id = $1
"""
_STATE = """
    SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) AS counted) AS rows,
           coalesce((SELECT extract(epoch FROM clock_timestamp() - created_at)
                     FROM outbox ORDER BY id LIMIT 1), 0)::float8 AS lag
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the outbox."""

    id: int
    message: OutboxMessage
    attempts: int


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How many rows wait (at most 100,000 are counted) and for how long the oldest, in seconds."""

    rows: int
    lag: float


async def try_lead(connection: Connection) -> bool:
    """Whether this connection is now the one relay of its schema."""
    return await connection.fetchval(_LEAD)


async def read_waiting(connection: Connection, limit: int) -> list[Waiting]:
    """The first rows in order, without those that wait behind a refused one of their subject."""
    return [
        Waiting(
            row["id"],
            OutboxMessage(
                row["message_id"],
                row["exchange"],
                row["routing_key"],
                row["subject"],
                row["content_type"],
                row["body"],
                row["traceparent"],
            ),
            row["attempts"],
        )
        for row in await connection.fetch(_WAITING, limit)
    ]


async def delete_published(connection: Connection, ids: Sequence[int]) -> None:
    """Forget what the broker confirmed: that is how the table is trimmed."""
    await connection.execute(_DELETE, ids)


async def mark_refused(connection: Connection, row_id: int, pause: timedelta) -> None:
    """Keep a refused message, and its subject, for a while."""
    await connection.execute(_REFUSED, row_id, pause)


async def read_state(connection: Connection) -> OutboxState:
    """What the metrics tell of the outbox."""
    row = await connection.fetchrow(_STATE)
    return OutboxState(row["rows"], row["lag"]) if row else OutboxState(0, 0.0)
