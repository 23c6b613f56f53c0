"""Webhooks of users."""

from collections.abc import Sequence

import asyncpg

from reports.domain.webhook import DisabledReason, Webhook, WebhookStatus
from shared.postgres import Connection

_COLUMNS = """id, user_id, url, description, events, everyone, status, disabled_reason, failing_since,
    CASE WHEN previous_until > now() THEN previous_until END AS previous_until, created_at, updated_at"""
# Two requests of one user at the same time would both count before either is there.
_LOCK_USER = "SELECT pg_advisory_xact_lock(hashtextextended('webhooks of user ' || $1::text, 0))"
_COUNT = "SELECT count(*) FROM webhooks WHERE user_id = $1"
_INSERT = f"""
    INSERT INTO webhooks (user_id, url, description, events, everyone, secret) VALUES ($1, $2, $3, $4, $5, $6)
    RETURNING {_COLUMNS}
"""  # noqa: S608 - made of constants
_FIND = f"SELECT {_COLUMNS} FROM webhooks WHERE id = $1 AND user_id = $2"  # noqa: S608 - the same
_LOCK = f"{_FIND} FOR UPDATE"
_PAGE = f"SELECT {_COLUMNS} FROM webhooks WHERE user_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3"  # noqa: S608 - the same
# Who enables it takes it for mended: what failed before counts no more.
_CHANGE = f"""
    UPDATE webhooks
    SET url = $2, description = $3, events = $4, status = $5, disabled_reason = $6, updated_at = now(),
        failing_since = CASE WHEN status = 'disabled' AND $5 = 'enabled' OR url <> $2 THEN NULL ELSE failing_since END
    WHERE id = $1
    RETURNING {_COLUMNS}
"""  # noqa: S608 - the same
_ROTATE = f"""
    UPDATE webhooks
    SET previous_secret = secret, previous_until = now() + make_interval(hours => $3), secret = $2, updated_at = now()
    WHERE id = $1
    RETURNING {_COLUMNS}
"""  # noqa: S608 - the same
_DELETE = "DELETE FROM webhooks WHERE id = $1 AND user_id = $2 RETURNING true"
_DELETE_ALL_OF = "DELETE FROM webhooks WHERE user_id = $1"
# What tells who somebody was; that the account is gone, and orders by number, are told on.
_DELETE_MESSAGES_ABOUT = """
    DELETE FROM webhook_messages WHERE about_user = $1 AND type IN ('users.registered.v1', 'users.updated.v1')
"""
_COUNT_DISABLED = """
    SELECT disabled_reason, count(*) AS webhooks FROM webhooks WHERE status = 'disabled' GROUP BY disabled_reason
"""


async def insert(
    connection: Connection,
    *,
    user_id: int,
    url: str,
    description: str,
    events: Sequence[str],
    everyone: bool,
    kept_secret: str,
) -> Webhook:
    """Write a new webhook; the secret comes encrypted."""
    return _webhook(await connection.fetchrow(_INSERT, user_id, url, description, events, everyone, kept_secret))


async def lock_user_and_count(connection: Connection, user_id: int) -> int:
    """How many webhooks the user has; none is added until the transaction ends."""
    await connection.execute(_LOCK_USER, str(user_id))
    return await count(connection, user_id)


async def count(connection: Connection, user_id: int) -> int:
    """How many webhooks the user has."""
    return await connection.fetchval(_COUNT, user_id)


async def page(connection: Connection, user_id: int, limit: int, offset: int) -> list[Webhook]:
    """A user's webhooks, the newest first."""
    return [_webhook(row) for row in await connection.fetch(_PAGE, user_id, limit, offset)]


async def find(connection: Connection, webhook_id: int, user_id: int) -> Webhook | None:
    """The user's webhook of this id."""
    row = await connection.fetchrow(_FIND, webhook_id, user_id)
    return _webhook(row) if row else None


async def lock(connection: Connection, webhook_id: int, user_id: int) -> Webhook | None:
    """The user's webhook as it is now; nobody else changes it until the transaction ends."""
    row = await connection.fetchrow(_LOCK, webhook_id, user_id)
    return _webhook(row) if row else None


async def change(
    connection: Connection,
    webhook_id: int,
    *,
    url: str,
    description: str,
    events: Sequence[str],
    disabled_reason: DisabledReason | None,
) -> Webhook:
    """Write what its owner changed; it is enabled when nothing says why it would not be."""
    status = WebhookStatus.DISABLED if disabled_reason else WebhookStatus.ENABLED
    return _webhook(await connection.fetchrow(_CHANGE, webhook_id, url, description, events, status, disabled_reason))


async def rotate(connection: Connection, webhook_id: int, kept_secret: str, overlap_hours: int) -> Webhook:
    """Put a new secret in the place of the one in use, which is signed with too for some hours more."""
    return _webhook(await connection.fetchrow(_ROTATE, webhook_id, kept_secret, overlap_hours))


async def delete(connection: Connection, webhook_id: int, user_id: int) -> bool:
    """Forget a webhook with its deliveries; False when the user has no such."""
    return await connection.fetchval(_DELETE, webhook_id, user_id) is True


async def delete_all_of(connection: Connection, user_id: int) -> None:
    """Forget the webhooks of a user who is deleted, and what waits to tell others who he was."""
    await connection.execute(_DELETE_ALL_OF, user_id)
    await connection.execute(_DELETE_MESSAGES_ABOUT, user_id)


async def count_disabled(connection: Connection) -> dict[str, int]:
    """How many webhooks are disabled, by reason."""
    return {row["disabled_reason"]: row["webhooks"] for row in await connection.fetch(_COUNT_DISABLED)}


def _webhook(row: asyncpg.Record | None) -> Webhook:
    if row is None:
        raise LookupError("the webhook was not there")
    reason = row["disabled_reason"]
    return Webhook(
        id=row["id"],
        user_id=row["user_id"],
        url=row["url"],
        description=row["description"],
        events=row["events"],
        everyone=row["everyone"],
        status=WebhookStatus(row["status"]),
        disabled_reason=DisabledReason(reason) if reason else None,
        failing_since=row["failing_since"],
        previous_until=row["previous_until"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
