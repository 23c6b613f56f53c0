"""SQL of those who deliver: what is due, taken for the time of a lease, and noted at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from reports.domain.webhook_turns import Waiting
from shared.postgres import Connection

LEASE = timedelta(seconds=60)
"""More than an attempt and noting it take. A worker that dies leaves its deliveries to others after this time."""

_MOST_WEBHOOKS = 500

# One at a time, so that two processes do not both see the same free places of a webhook.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('webhook turns ' || current_schema(), 0))"
# From one webhook with something pending to the next by the index: it costs webhooks, not deliveries.
_WAITING = """
    WITH RECURSIVE pending (webhook_id) AS (
        (SELECT webhook_id FROM webhook_deliveries WHERE status = 'pending' ORDER BY webhook_id LIMIT 1)
        UNION ALL
        SELECT (SELECT next.webhook_id FROM webhook_deliveries AS next
                WHERE next.status = 'pending' AND next.webhook_id > pending.webhook_id
                ORDER BY next.webhook_id LIMIT 1)
        FROM pending WHERE pending.webhook_id IS NOT NULL
    )
    SELECT webhooks.id, user_id, failing_since IS NOT NULL AS failing, due.deliveries, in_hand.deliveries AS in_hand
    FROM pending
    JOIN webhooks ON webhooks.id = pending.webhook_id AND webhooks.status = 'enabled'
    CROSS JOIN LATERAL (
        SELECT count(*) AS deliveries, min(due_at) AS since FROM (
            SELECT due_at FROM webhook_deliveries AS each
            WHERE each.webhook_id = pending.webhook_id AND status = 'pending' AND due_at <= clock_timestamp()
            ORDER BY due_at LIMIT $1
        ) AS first_due
    ) AS due
    CROSS JOIN LATERAL (
        SELECT count(*) AS deliveries FROM webhook_deliveries AS each
        WHERE each.webhook_id = pending.webhook_id AND claimed_until > clock_timestamp()
    ) AS in_hand
    LEFT JOIN seen_users AS owner ON owner.id = user_id
    WHERE due.deliveries > 0 AND owner.disabled IS DISTINCT FROM true
    ORDER BY due.since LIMIT $2
"""
_CLAIM = """
    WITH chosen AS (
        SELECT due.id FROM unnest($1::bigint[], $2::integer[]) AS turns (webhook_id, places)
        CROSS JOIN LATERAL (
            SELECT id FROM webhook_deliveries
            WHERE webhook_id = turns.webhook_id AND status = 'pending' AND due_at <= clock_timestamp()
            ORDER BY due_at, id LIMIT turns.places FOR UPDATE SKIP LOCKED
        ) AS due
    ), taken AS (
        UPDATE webhook_deliveries
        SET attempts = attempts + 1, claimed_until = clock_timestamp() + $3, due_at = clock_timestamp() + $3
        WHERE id IN (SELECT id FROM chosen)
        RETURNING id, webhook_id, message_id, attempts, retries, created_at
    ), begun AS (
        INSERT INTO webhook_attempts (delivery_id, number) SELECT id, attempts FROM taken
    )
    SELECT taken.id, webhook_id, message_id, attempts, retries, url, secret, failing_since IS NOT NULL AS failing,
        CASE WHEN previous_until > now() THEN previous_secret END AS previous_secret, type, body, traceparent,
        extract(epoch FROM clock_timestamp() - taken.created_at)::float AS age
    FROM taken
    JOIN webhooks ON webhooks.id = webhook_id
    JOIN webhook_messages ON webhook_messages.id = message_id
"""
_NOTE_ATTEMPT = """
    UPDATE webhook_attempts SET milliseconds = $3, status_code = $4, error = $5
    WHERE delivery_id = $1 AND number = $2 AND milliseconds IS NULL
"""
# Whoever lost the lease finds another number here, and changes nothing.
_NOTE_DELIVERY = """
    UPDATE webhook_deliveries
    SET status = $3, retries = $4, claimed_until = NULL,
        due_at = CASE WHEN $3 = 'pending' THEN clock_timestamp() + $5::interval END,
        finished_at = CASE WHEN $3 <> 'pending' THEN clock_timestamp() END
    WHERE id = $1 AND attempts = $2 AND status = 'pending'
    RETURNING true
"""
_NOTE_SUCCESS = "UPDATE webhooks SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL"
_NOTE_FAILURE = "UPDATE webhooks SET failing_since = clock_timestamp() WHERE id = $1 AND failing_since IS NULL"
_DISABLE = """
    UPDATE webhooks SET status = 'disabled', disabled_reason = $2, updated_at = now()
    WHERE id = $1 AND status = 'enabled' AND ($3::interval IS NULL OR failing_since < clock_timestamp() - $3)
    RETURNING true
"""
_RELEASE = """
    UPDATE webhook_deliveries SET claimed_until = NULL, due_at = clock_timestamp()
    WHERE id = $1 AND attempts = $2 AND status = 'pending'
"""
_OBSERVE = """
    SELECT count(*) AS pending,
        coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE failing_since IS NULL)), 0)::float AS late
    FROM (SELECT webhook_id, due_at FROM webhook_deliveries WHERE status = 'pending' LIMIT 100000) AS counted
    JOIN webhooks ON webhooks.id = webhook_id AND webhooks.status = 'enabled'
    LEFT JOIN seen_users AS owner ON owner.id = user_id
    WHERE owner.disabled IS DISTINCT FROM true
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in hand: ``attempt`` with the id is the fence; secrets are as they are kept, ``age`` in seconds."""

    id: int
    webhook_id: int
    message_id: str
    type: str
    attempt: int
    retries: int
    url: str
    kept_secrets: Sequence[str]
    body: bytes
    traceparent: str | None
    failing: bool
    age: float


async def lock_turns(connection: Connection) -> None:
    """Let nobody else take deliveries until the transaction ends."""
    await connection.execute(_LOCK)


async def read_waiting(connection: Connection, most_due: int) -> list[Waiting]:
    """The webhooks that deliveries are due for, those that waited longest first; of each at most ``most_due``."""
    rows = await connection.fetch(_WAITING, most_due, _MOST_WEBHOOKS)
    return [
        Waiting(row["id"], row["user_id"], row["failing"], due=row["deliveries"], in_hand=row["in_hand"])
        for row in rows
    ]


async def claim(connection: Connection, turns: Mapping[int, int]) -> list[Claimed]:
    """Take so many deliveries of these webhooks, by webhook id; an attempt of each begins with it."""
    rows = await connection.fetch(_CLAIM, list(turns.keys()), list(turns.values()), LEASE)
    return [
        Claimed(
            id=row["id"],
            webhook_id=row["webhook_id"],
            message_id=row["message_id"],
            type=row["type"],
            attempt=row["attempts"],
            retries=row["retries"],
            url=row["url"],
            kept_secrets=[row["secret"], *([row["previous_secret"]] if row["previous_secret"] else [])],
            body=row["body"],
            traceparent=row["traceparent"],
            failing=row["failing"],
            age=row["age"],
        )
        for row in rows
    ]


async def note(
    connection: Connection,
    claimed: Claimed,
    *,
    milliseconds: int,
    status_code: int | None,
    error: str | None,
    retry_in: timedelta | None,
) -> bool:
    """Write how the attempt ended, and whether and when another follows; False when the lease was lost."""
    status = "succeeded" if error is None else "pending" if retry_in is not None else "failed"
    retries = claimed.retries + (status == "pending")
    await connection.execute(_NOTE_ATTEMPT, claimed.id, claimed.attempt, milliseconds, status_code, error)
    await connection.execute(_NOTE_SUCCESS if error is None else _NOTE_FAILURE, claimed.webhook_id)
    return await connection.fetchval(_NOTE_DELIVERY, claimed.id, claimed.attempt, status, retries, retry_in) is True


async def disable(
    connection: Connection, webhook_id: int, reason: str, *, failing_for: timedelta | None = None
) -> bool:
    """Disable a webhook, with ``failing_for`` only if it has failed for so long; whether it was."""
    return await connection.fetchval(_DISABLE, webhook_id, reason, failing_for) is True


async def release(connection: Connection, claimed: Claimed) -> None:
    """Give back what was cut off before its end: another may take it at once."""
    await connection.execute(_RELEASE, claimed.id, claimed.attempt)


async def observe(connection: Connection) -> tuple[int, float]:
    """How many deliveries wait (of 100,000 at most), and for how many seconds what is due where it would be taken."""
    row = await connection.fetchrow(_OBSERVE)
    return (row["pending"], max(0.0, row["late"])) if row else (0, 0.0)
