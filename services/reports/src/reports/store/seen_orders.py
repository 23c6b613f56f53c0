"""Orders as their events told of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.postgres import Connection

# An order of somebody who is deleted already is nobody's (departed.py), however late it comes.
# Only what is newer changes the state; the time of a step is kept whenever its event comes.
_APPLY = """
    INSERT INTO seen_orders AS seen (id, user_id, status, total, currency, placed_at, version,
                                     paid_at, shipped_at, delivered_at, cancelled_at)
    VALUES ($1, CASE WHEN EXISTS (SELECT FROM seen_users WHERE id = $2 AND deleted) THEN -1 ELSE $2 END,
        $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (id) DO UPDATE SET
        status = CASE WHEN excluded.version > seen.version THEN excluded.status ELSE seen.status END,
        total = CASE WHEN excluded.version > seen.version THEN excluded.total ELSE seen.total END,
        version = greatest(excluded.version, seen.version),
        paid_at = coalesce(seen.paid_at, excluded.paid_at),
        shipped_at = coalesce(seen.shipped_at, excluded.shipped_at),
        delivered_at = coalesce(seen.delivered_at, excluded.delivered_at),
        cancelled_at = coalesce(seen.cancelled_at, excluded.cancelled_at)
    WHERE excluded.version > seen.version
        OR (seen.paid_at IS NULL AND excluded.paid_at IS NOT NULL)
        OR (seen.shipped_at IS NULL AND excluded.shipped_at IS NOT NULL)
        OR (seen.delivered_at IS NULL AND excluded.delivered_at IS NOT NULL)
        OR (seen.cancelled_at IS NULL AND excluded.cancelled_at IS NOT NULL)
"""
# What was bought never changes, so it is written once.
_ADD_ITEMS = """
    INSERT INTO seen_order_items (order_id, position, product_id, sku, name, quantity, unit_price)
    SELECT $1, items.* FROM unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::integer[], $7::numeric[])
        AS items
    ON CONFLICT (order_id, position) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class SeenItem:
    """A position of an order."""

    product_id: int
    sku: str
    name: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order after one of its steps; ``step_at`` is when it came to ``status``."""

    id: int
    user_id: int
    status: str
    total: Decimal
    currency: str
    placed_at: datetime
    step_at: datetime
    version: int
    items: Sequence[SeenItem]


async def apply(connection: Connection, order: SeenOrder) -> None:
    """Take over what is newer; the same or an older event again changes nothing."""
    steps = [order.step_at if order.status == step else None for step in ("paid", "shipped", "delivered", "cancelled")]
    await connection.execute(
        _APPLY,
        order.id,
        order.user_id,
        order.status,
        order.total,
        order.currency,
        order.placed_at,
        order.version,
        *steps,
    )
    await connection.execute(
        _ADD_ITEMS,
        order.id,
        list(range(len(order.items))),
        [item.product_id for item in order.items],
        [item.sku for item in order.items],
        [item.name for item in order.items],
        [item.quantity for item in order.items],
        [item.unit_price for item in order.items],
    )
