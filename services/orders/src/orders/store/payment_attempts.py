"""The table ``payment_attempts``: payments that have begun and whose outcome is not written."""

from dataclasses import dataclass
from datetime import timedelta

from orders.domain.payments import PaymentMethod
from shared.postgres import Connection

_BEGIN = """
INSERT INTO payment_attempts (order_id, method) VALUES ($1, $2) ON CONFLICT (order_id) DO NOTHING RETURNING id
"""
_END = "DELETE FROM payment_attempts WHERE id = $1 RETURNING true"
_IS_OPEN = "SELECT EXISTS (SELECT FROM payment_attempts WHERE order_id = $1)"
_LEFT_OPEN = """
SELECT id, order_id, method FROM payment_attempts WHERE started_at < clock_timestamp() - $1::interval AND id > $2
ORDER BY id LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class PaymentAttempt:
    """A payment of an order that has begun."""

    id: int
    order_id: int
    method: PaymentMethod


async def begin(connection: Connection, order_id: int, method: PaymentMethod) -> PaymentAttempt | None:
    """Write that a payment of a locked order begins; None when one runs."""
    attempt_id = await connection.fetchval(_BEGIN, order_id, method.value)
    return None if attempt_id is None else PaymentAttempt(attempt_id, order_id, method)


async def end(connection: Connection, attempt: PaymentAttempt) -> bool:
    """Forget the attempt, whose outcome is written by this transaction; False when somebody else did."""
    return await connection.fetchval(_END, attempt.id) is True


async def is_open(connection: Connection, order_id: int) -> bool:
    """Whether a payment of the order runs, or was left open."""
    return await connection.fetchval(_IS_OPEN, order_id)


async def left_open(connection: Connection, older: timedelta, after: int, limit: int) -> list[PaymentAttempt]:
    """Attempts that began longer ago than any provider takes, by their ids, from the one after ``after``."""
    rows = await connection.fetch(_LEFT_OPEN, older, after, limit)
    return [PaymentAttempt(row["id"], row["order_id"], PaymentMethod(row["method"])) for row in rows]
