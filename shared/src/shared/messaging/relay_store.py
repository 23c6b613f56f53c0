"""SQL of the relay, on a connection of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.messaging.outbox import OutboxMessage
from shared.postgres import Connection

SHARDS = 8
"""Of a hash of the subject; the index ``outbox_waiting`` has the expression, so another number is a migration."""

# The plans: whatever the statistics say of a table that was empty a moment ago, it is read by its indexes; and an
# array is looked up by a hash only where the planner sees its values. Durability: a delete that is lost in a
# crash of the server is a message published twice, which the inbox makes one. A process that hangs loses its
# locks to the others, although its kernel answers for it.
_SESSION = """
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET plan_cache_mode = force_custom_plan;
    SET synchronous_commit = off;
    SET idle_session_timeout = '15s';
"""
_COLUMNS = "id, message_id, exchange, routing_key, subject, content_type, body, traceparent, attempts"
_WAITING = f"""
    SELECT led.shard, message.*
    FROM unnest($1::bigint[], $2::bigint[]) AS led (shard, floor), LATERAL (
        SELECT {_COLUMNS}, (
            SELECT max(refused.retry_at) FROM outbox AS refused
            WHERE refused.subject = waiting.subject AND refused.id < waiting.id AND refused.retry_at IS NOT NULL
        ) AS behind
        FROM outbox AS waiting
        WHERE hashtextextended(subject, 0) & 7 = led.shard
          AND retry_at IS NULL AND id >= led.floor AND id <> ALL ($3::bigint[])
        ORDER BY id
        LIMIT $4
    ) AS message
"""  # noqa: S608 - a constant
_DUE = f"""
    SELECT hashtextextended(subject, 0) & 7 AS shard, {_COLUMNS}, NULL::timestamptz AS behind
    FROM outbox AS due
    WHERE retry_at <= clock_timestamp()
      AND hashtextextended(subject, 0) & 7 = ANY ($1::bigint[])
      AND id <> ALL ($2::bigint[])
      AND NOT EXISTS (
          SELECT FROM outbox AS refused
          WHERE refused.subject = due.subject AND refused.id < due.id AND refused.retry_at > clock_timestamp()
      )
    ORDER BY id
    LIMIT $3
"""  # noqa: S608 - a constant
_DELETE = "DELETE FROM outbox WHERE id = ANY ($1::bigint[])"
_REFUSED = """
    UPDATE outbox SET attempts = attempts + 1, retry_at = clock_timestamp() + marked.pause
    FROM unnest($1::bigint[], $2::interval[]) AS marked (id, pause) WHERE outbox.id = marked.id
"""
_BEHIND = """
    UPDATE outbox SET retry_at = marked.retry_at
    FROM unnest($1::bigint[], $2::timestamptz[]) AS marked (id, retry_at) WHERE outbox.id = marked.id
"""
_RETRIES = "SELECT id, retry_at FROM outbox WHERE id = ANY ($1::bigint[])"
_STATE = """
    SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) AS counted) AS rows,
           (SELECT count(*) FROM (SELECT FROM outbox WHERE retry_at IS NOT NULL LIMIT 100000) AS counted) AS held,
           coalesce((SELECT extract(epoch FROM clock_timestamp() - created_at)
                     FROM outbox ORDER BY id LIMIT 1), 0)::float8 AS lag
"""
# Until its first use a sequence says the value that it will give.
_LAST_ID = "SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM outbox_id_seq"
_WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'outbox'::regclass AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND pid IS DISTINCT FROM pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the outbox; ``behind`` a refused one of its subject it has the time at which that is tried again."""

    id: int
    shard: int
    message: OutboxMessage
    attempts: int
    behind: datetime | None


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How many rows wait and how many of them are held (counted up to 100,000), and the oldest's age in seconds."""

    rows: int
    held: int
    lag: float


async def prepare_session(connection: Connection) -> None:
    """Set what the relay's statements rely on."""
    await connection.execute(_SESSION)


async def read_waiting(
    connection: Connection, floors: Mapping[int, int], without: Sequence[int], limit: int
) -> list[Waiting]:
    """The first rows of each shard from its floor on, in the order of their ids; at most ``limit`` a shard."""
    rows = await connection.fetch(_WAITING, list(floors), list(floors.values()), without, limit)
    return [_waiting(row) for row in rows]


async def read_due(connection: Connection, shards: Sequence[int], without: Sequence[int], limit: int) -> list[Waiting]:
    """Held rows whose time has come, in the order of their ids."""
    return [_waiting(row) for row in await connection.fetch(_DUE, shards, without, limit)]


def _waiting(row: Any) -> Waiting:
    shard, row_id, message_id, exchange, routing_key, subject, content_type, body, traceparent, attempts, behind = row
    message = OutboxMessage(message_id, exchange, routing_key, subject, content_type, body, traceparent)
    return Waiting(row_id, shard, message, attempts, behind)


async def delete_published(connection: Connection, ids: Sequence[int]) -> None:
    """Forget what the broker confirmed: that is how the table is trimmed."""
    await connection.execute(_DELETE, ids)


async def mark_refused(connection: Connection, pauses: Mapping[int, timedelta]) -> dict[int, datetime]:
    """Hold refused rows for a while; when each is tried again."""
    await connection.execute(_REFUSED, list(pauses), list(pauses.values()))
    return {row["id"]: row["retry_at"] for row in await connection.fetch(_RETRIES, list(pauses))}


async def mark_behind(connection: Connection, until: Mapping[int, datetime]) -> None:
    """Hold rows until the refused one before them is tried again."""
    await connection.execute(_BEHIND, list(until), list(until.values()))


async def read_state(connection: Connection) -> OutboxState:
    """What the metrics tell of the outbox."""
    row = await connection.fetchrow(_STATE)
    return OutboxState(row["rows"], row["held"], row["lag"]) if row else OutboxState(0, 0, 0.0)


async def last_id(connection: Connection) -> int:
    """The last id that was drawn, committed or not."""
    return await connection.fetchval(_LAST_ID)


async def read_writers(connection: Connection) -> frozenset[str]:
    """Transactions, but for our own, that have written to the outbox and are not over."""
    return frozenset(row["virtualtransaction"] for row in await connection.fetch(_WRITERS))
