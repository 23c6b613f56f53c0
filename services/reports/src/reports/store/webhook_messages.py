"""What is told to webhooks: one message, a delivery for each webhook that hears it."""

from dataclasses import dataclass
from datetime import timedelta

from shared.postgres import Connection, count_rows

RETENTION = timedelta(days=30)
"""How long messages are kept, with their deliveries and attempts."""

# About everyone only while the owner is still an admin, as far as is heard; and nothing to, or about who
# somebody was of, a user who is deleted; nothing to one who is disabled. No message is written that nobody hears.
_FAN_OUT = """
    WITH hearers AS (
        SELECT webhooks.id FROM webhooks LEFT JOIN seen_users AS owner ON owner.id = webhooks.user_id
        WHERE status = 'enabled' AND events @> ARRAY[$2::text]
            AND owner.deleted IS DISTINCT FROM true AND owner.disabled IS DISTINCT FROM true
            AND CASE WHEN everyone THEN owner.role IS NULL OR owner.role = 'admin'
                     ELSE $3::bigint IS NULL OR webhooks.user_id = $3 END
            AND NOT ($2 IN ('users.registered.v1', 'users.updated.v1')
                     AND EXISTS (SELECT FROM seen_users WHERE seen_users.id = $3 AND deleted))
        FOR KEY SHARE OF webhooks
    ), message AS (
        INSERT INTO webhook_messages (id, type, about_user, body, traceparent)
        SELECT $1, $2, $3, $4, $5 WHERE EXISTS (SELECT FROM hearers)
    )
    INSERT INTO webhook_deliveries (webhook_id, message_id) SELECT id, $1 FROM hearers
"""
_SEND_TO = """
    WITH message AS (
        INSERT INTO webhook_messages (id, type, body, traceparent) VALUES ($2, $3, $4, $5)
    )
    INSERT INTO webhook_deliveries (webhook_id, message_id) VALUES ($1, $2) RETURNING id
"""
_TRIM = """
    DELETE FROM webhook_messages WHERE id IN (
        SELECT id FROM webhook_messages WHERE created_at < now() - $1::interval LIMIT $2
    )
"""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: ``body`` byte for byte; ``about_user`` is whom it concerns, None for everyone."""

    id: str
    type: str
    about_user: int | None
    body: bytes
    traceparent: str | None


async def fan_out(connection: Connection, message: Message) -> int:
    """Write a delivery for each webhook that hears the message; how many."""
    return count_rows(
        await connection.execute(
            _FAN_OUT, message.id, message.type, message.about_user, message.body, message.traceparent
        )
    )


async def send_to(connection: Connection, webhook_id: int, message: Message) -> int:
    """Write a delivery for one webhook, whatever it listens for; its id."""
    return await connection.fetchval(_SEND_TO, webhook_id, message.id, message.type, message.body, message.traceparent)


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` messages older than the retention, with their deliveries; how many."""
    return count_rows(await connection.execute(_TRIM, RETENTION, limit))
