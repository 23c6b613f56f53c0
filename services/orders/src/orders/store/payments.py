"""The table ``payments``."""

from typing import Any

import asyncpg

from orders.domain.orders import Order
from orders.domain.payments import Payment, PaymentMethod, PaymentStatus
from shared.postgres import Connection

_INSERT = """
INSERT INTO payments (order_id, status, method, amount, currency) VALUES ($1, $2, $3, $4, $5)
RETURNING id, order_id, status, method, amount, currency, created_at
"""
_REFUND = """
UPDATE payments SET status = 'refunded', refunded_at = now() WHERE order_id = $1 AND status = 'succeeded'
RETURNING id, order_id, status, method, amount, currency, created_at
"""
_FIND = """
SELECT id, order_id, status, method, amount, currency, created_at FROM payments WHERE order_id = $1 AND id = $2
"""
_CHARGED = """
SELECT id, order_id, status, method, amount, currency, created_at FROM payments
WHERE order_id = $1 AND status IN ('succeeded', 'refunded')
"""
_PAGE = """
SELECT id, order_id, status, method, amount, currency, created_at
FROM payments WHERE order_id = $1 ORDER BY id LIMIT $2 OFFSET $3
"""
_COUNT = "SELECT count(*) FROM payments WHERE order_id = $1"


async def insert(connection: Connection, order: Order, method: PaymentMethod, status: PaymentStatus) -> Payment:
    """Write what came of an attempt to pay the whole order."""
    row = await connection.fetchrow(_INSERT, order.id, status, method, order.total, order.currency)
    if row is None:
        raise LookupError("an insert gave no row")
    return _payment(row)


async def refund(connection: Connection, order_id: int) -> Payment | None:
    """Mark the payment of an order as refunded; None when nothing was paid by a payment."""
    row = await connection.fetchrow(_REFUND, order_id)
    return _payment(row) if row else None


async def charged(connection: Connection, order_id: int) -> Payment | None:
    """The payment that took money for the order, refunded or not."""
    row = await connection.fetchrow(_CHARGED, order_id)
    return _payment(row) if row else None


async def find(connection: Connection, order_id: int, payment_id: int) -> Payment | None:
    """One attempt to pay the order."""
    row = await connection.fetchrow(_FIND, order_id, payment_id)
    return _payment(row) if row else None


async def page(connection: Connection, order_id: int, *, limit: int, offset: int) -> tuple[list[Payment], int]:
    """The attempts to pay an order, the first one first, and how many there are in all."""
    rows = await connection.fetch(_PAGE, order_id, limit, offset)
    total: int = await connection.fetchval(_COUNT, order_id)
    return [_payment(row) for row in rows], total


def _payment(row: asyncpg.Record) -> Payment:
    values: dict[str, Any] = {
        **row,
        "status": PaymentStatus(row["status"]),
        "method": PaymentMethod(row["method"]),
    }
    return Payment(**values)
