"""The tables ``orders`` and ``order_items``."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from orders.domain.orders import NOBODY, Order, OrderItem, OrderStatus
from shared.postgres import Connection, Write

_FIND = """
SELECT id, user_id, status, total, currency, created_at, updated_at, version FROM orders WHERE id = $1
"""
_LOCK = """
SELECT id, user_id, status, total, currency, created_at, updated_at, version FROM orders WHERE id = $1 FOR UPDATE
"""
_PAGE = """
SELECT id, user_id, status, total, currency, created_at, updated_at, version FROM orders
WHERE ($1::bigint IS NULL OR user_id = $1) AND ($2::text IS NULL OR status = $2)
ORDER BY id DESC LIMIT $3 OFFSET $4
"""
_COUNT = """
SELECT count(*) FROM orders
WHERE ($1::bigint IS NULL OR user_id = $1) AND ($2::text IS NULL OR status = $2)
"""
_ITEMS = """
SELECT order_id, product_id, sku, name, quantity, unit_price FROM order_items
WHERE order_id = ANY ($1::bigint[]) ORDER BY order_id, position
"""
_INSERT = """
INSERT INTO orders (id, user_id, status, total, currency) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5)
"""
_INSERT_ITEMS = """
INSERT INTO order_items (order_id, position, product_id, sku, name, quantity, unit_price)
SELECT $1::bigint, item.position, item.product_id, item.sku, item.name, item.quantity, item.unit_price
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::integer[], $6::numeric[]) WITH ORDINALITY
    AS item (product_id, sku, name, quantity, unit_price, position)
"""
# The oldest pending orders are the first ones of their ids; a page of them costs no index of its own.
_OVERDUE = """
SELECT id FROM (
    SELECT id, created_at FROM orders WHERE status = 'pending' AND id > $2 ORDER BY id LIMIT $3
) AS oldest
WHERE created_at < now() - $1::interval ORDER BY id
"""
_SET_STATUS = """
UPDATE orders SET status = $2, version = version + 1, updated_at = now() WHERE id = $1
RETURNING id, user_id, status, total, currency, created_at, updated_at, version
"""
_DETACH = """
UPDATE orders SET user_id = $2, version = version + 1 WHERE id IN (
    SELECT id FROM orders WHERE user_id = $1 AND ($3::text IS NULL OR status = $3)
    ORDER BY id LIMIT $4 FOR UPDATE)
RETURNING id, user_id, status, total, currency, created_at, updated_at, version
"""


async def find(connection: Connection, order_id: int) -> Order | None:
    """The order with its items."""
    return await _one(connection, await connection.fetchrow(_FIND, order_id))


async def lock(connection: Connection, order_id: int) -> Order | None:
    """The order with its items, unchanged by others until the transaction ends."""
    return await _one(connection, await connection.fetchrow(_LOCK, order_id))


async def page(
    connection: Connection, *, user_id: int | None, status: OrderStatus | None, limit: int, offset: int
) -> tuple[list[Order], int]:
    """Orders with their items, the newest first, and how many there are in all: three statements."""
    rows = await connection.fetch(_PAGE, user_id, status, limit, offset)
    total: int = await connection.fetchval(_COUNT, user_id, status)
    return await _with_items(connection, rows), total


def insertion(order: Order) -> list[Write]:
    """The writes of a new order and its items, in the transaction that its times are of."""
    items = order.items
    return [
        Write(_INSERT, (order.id, order.user_id, order.status, order.total, order.currency)),
        Write(
            _INSERT_ITEMS,
            (
                order.id,
                [item.product_id for item in items],
                [item.sku for item in items],
                [item.name for item in items],
                [item.quantity for item in items],
                [item.unit_price for item in items],
            ),
        ),
    ]


async def overdue(connection: Connection, pending_expires: timedelta, after: int, limit: int) -> list[int]:
    """Ids of pending orders that were placed longer ago, of the ``limit`` oldest ones after the id ``after``."""
    return [row["id"] for row in await connection.fetch(_OVERDUE, pending_expires, after, limit)]


async def set_status(connection: Connection, order: Order, status: OrderStatus) -> Order:
    """Write the status of a locked order."""
    row = await connection.fetchrow(_SET_STATUS, order.id, status)
    if row is None:
        raise LookupError("the row was locked and is gone")
    return _order(row, order.items)


async def detach(connection: Connection, user_id: int, *, status: OrderStatus | None, limit: int) -> list[Order]:
    """Take the person from at most ``limit`` of their orders, the oldest first; the orders, locked."""
    return await _with_items(connection, await connection.fetch(_DETACH, user_id, NOBODY, status, limit))


async def _one(connection: Connection, row: asyncpg.Record | None) -> Order | None:
    return (await _with_items(connection, [row]))[0] if row else None


async def _with_items(connection: Connection, rows: Sequence[asyncpg.Record]) -> list[Order]:
    if not rows:
        return []
    items: dict[int, list[OrderItem]] = defaultdict(list)
    for record in await connection.fetch(_ITEMS, [row["id"] for row in rows]):
        values = dict(record)
        items[values.pop("order_id")].append(OrderItem(**values))
    return [_order(row, tuple(items[row["id"]])) for row in rows]


def _order(row: asyncpg.Record, items: tuple[OrderItem, ...]) -> Order:
    values: dict[str, Any] = {**row, "status": OrderStatus(row["status"]), "items": items}
    return Order(**values)
