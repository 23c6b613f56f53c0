"""Deliveries as the owner of a webhook sees them."""

from collections.abc import Sequence
from itertools import groupby

import asyncpg

from reports.domain.webhook import Delivery, DeliveryAttempt, DeliveryStatus
from shared.postgres import Connection

LATEST = 20
"""How many attempts of a delivery are shown."""

_SELECT = """
    SELECT deliveries.id, message_id, messages.type, status, attempts, due_at, deliveries.created_at, finished_at,
        coalesce(claimed_until > clock_timestamp(), false) AS in_hand
    FROM webhook_deliveries AS deliveries JOIN webhook_messages AS messages ON messages.id = message_id
"""
_PAGE = f"""{_SELECT}
    WHERE webhook_id = $1 AND ($4::text IS NULL OR status = $4) ORDER BY deliveries.id DESC LIMIT $2 OFFSET $3
"""
_COUNT = "SELECT count(*) FROM webhook_deliveries WHERE webhook_id = $1 AND ($2::text IS NULL OR status = $2)"
_FIND = f"{_SELECT} WHERE webhook_id = $1 AND deliveries.id = $2"
_LOCK = f"{_FIND} FOR UPDATE OF deliveries"
_ATTEMPTS = """
    SELECT delivery_id, number, started_at, milliseconds, status_code, error
    FROM unnest($1::bigint[]) AS wanted (id) CROSS JOIN LATERAL (
        SELECT * FROM webhook_attempts WHERE delivery_id = wanted.id ORDER BY number DESC LIMIT $2
    ) AS latest
    ORDER BY delivery_id, number DESC
"""
_AGAIN = """
    UPDATE webhook_deliveries SET status = 'pending', retries = 0, due_at = now(), finished_at = NULL WHERE id = $1
"""


async def page(
    connection: Connection, webhook_id: int, limit: int, offset: int, status: DeliveryStatus | None
) -> list[Delivery]:
    """Deliveries of a webhook, the newest first."""
    return await _with_attempts(connection, await connection.fetch(_PAGE, webhook_id, limit, offset, status))


async def count(connection: Connection, webhook_id: int, status: DeliveryStatus | None) -> int:
    """How many deliveries a webhook has."""
    return await connection.fetchval(_COUNT, webhook_id, status)


async def find(connection: Connection, webhook_id: int, delivery_id: int) -> Delivery | None:
    """The delivery of this id."""
    found = await _with_attempts(connection, await connection.fetch(_FIND, webhook_id, delivery_id))
    return found[0] if found else None


async def lock(connection: Connection, webhook_id: int, delivery_id: int) -> Delivery | None:
    """The delivery as it is now; nobody begins or ends it until the transaction ends."""
    found = await _with_attempts(connection, await connection.fetch(_LOCK, webhook_id, delivery_id))
    return found[0] if found else None


async def deliver_again(connection: Connection, delivery_id: int) -> None:
    """Make it due now, with all its retries before it again."""
    await connection.execute(_AGAIN, delivery_id)


async def _with_attempts(connection: Connection, rows: Sequence[asyncpg.Record]) -> list[Delivery]:
    attempts = await connection.fetch(_ATTEMPTS, [row["id"] for row in rows], LATEST) if rows else []
    latest = {
        delivery_id: [
            DeliveryAttempt(row["number"], row["started_at"], row["milliseconds"], row["status_code"], row["error"])
            for row in group
        ]
        for delivery_id, group in groupby(attempts, lambda row: row["delivery_id"])
    }
    return [
        Delivery(
            id=row["id"],
            message_id=row["message_id"],
            type=row["type"],
            status=DeliveryStatus(row["status"]),
            attempts=row["attempts"],
            due_at=row["due_at"],
            in_hand=row["in_hand"],
            created_at=row["created_at"],
            finished_at=row["finished_at"],
            latest=latest.get(row["id"], []),
        )
        for row in rows
    ]
