"""The rows of each report, from the read model: bounded in memory by a cursor, whatever their number.

Parameters of every query: $1 the first moment, $2 the moment after the last, $3 the user, null for all.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from reports.domain.report import ReportType
from shared.postgres import Connection, Database

_ROWS_AT_ONCE = 500

# A step of an order, each at its own time.
_STEPS = """
    SELECT steps.at, orders.user_id, steps.action, orders.id AS order_id, orders.total, orders.currency,
        orders.paid_at IS NOT NULL AS was_paid
    FROM seen_orders AS orders
    CROSS JOIN LATERAL (VALUES ('placed', placed_at), ('paid', paid_at), ('shipped', shipped_at),
                               ('delivered', delivered_at), ('cancelled', cancelled_at)) AS steps (action, at)
    WHERE steps.at >= $1 AND steps.at < $2 AND ($3::bigint IS NULL OR orders.user_id = $3)
"""
_ACTIVITY_SUMS = """
    count(*) FILTER (WHERE action = 'placed') AS orders_placed,
    coalesce(sum(total) FILTER (WHERE action = 'placed'), 0) AS amount_ordered,
    count(*) FILTER (WHERE action = 'paid') AS orders_paid,
    coalesce(sum(total) FILTER (WHERE action = 'paid'), 0) AS amount_paid,
    count(*) FILTER (WHERE action = 'cancelled') AS orders_cancelled,
    coalesce(sum(total) FILTER (WHERE action = 'cancelled' AND was_paid), 0) AS amount_refunded
"""
_ACTIVITY_TOTALS = f"SELECT currency, {_ACTIVITY_SUMS} FROM ({_STEPS}) AS s GROUP BY currency ORDER BY currency"  # noqa: S608 - constants
_ACTIVITY_DAYS = f"""
    SELECT (at AT TIME ZONE 'UTC')::date AS day, currency, {_ACTIVITY_SUMS}
    FROM ({_STEPS}) AS s GROUP BY day, currency ORDER BY day, currency
"""  # noqa: S608 - constants
_ACTIVITY = f"""
    SELECT at, user_id, coalesce(users.name, '') AS customer, action, order_id, total, currency
    FROM (
        SELECT at, user_id, action, order_id, total, currency FROM ({_STEPS}) AS s
        UNION ALL
        SELECT registered_at, id, 'registered', NULL, NULL, NULL FROM seen_users
        WHERE registered_at >= $1 AND registered_at < $2 AND NOT deleted AND ($3::bigint IS NULL OR id = $3)
    ) AS activity
    LEFT JOIN seen_users AS users ON users.id = user_id
    ORDER BY at, user_id, order_id NULLS FIRST, action
"""  # noqa: S608 - constants

_IN_PERIOD = "placed_at >= $1 AND placed_at < $2 AND ($3::bigint IS NULL OR user_id = $3)"
_ORDER_TOTALS = f"""
    SELECT currency, count(*), sum(total) FROM seen_orders WHERE {_IN_PERIOD} GROUP BY currency ORDER BY currency
"""  # noqa: S608 - constants
_STATUSES = f"""
    SELECT status, currency, count(*), sum(total) FROM seen_orders WHERE {_IN_PERIOD}
    GROUP BY status, currency ORDER BY status, currency
"""  # noqa: S608 - constants
_ORDERS = f"""
    SELECT orders.id, placed_at, coalesce(users.name, '') AS customer, status,
        (SELECT sum(quantity) FROM seen_order_items WHERE order_id = orders.id) AS items, total, currency
    FROM seen_orders AS orders LEFT JOIN seen_users AS users ON users.id = orders.user_id
    WHERE {_IN_PERIOD} ORDER BY placed_at, orders.id
"""  # noqa: S608 - constants
_ITEMS = f"""
    SELECT orders.id, placed_at, coalesce(users.name, '') AS customer, status, items.sku, items.name, quantity,
        unit_price, quantity * unit_price AS line_total, total, currency
    FROM seen_orders AS orders
    JOIN seen_order_items AS items ON items.order_id = orders.id
    LEFT JOIN seen_users AS users ON users.id = orders.user_id
    WHERE {_IN_PERIOD} ORDER BY placed_at, orders.id, position
"""  # noqa: S608 - constants

# A sale is an order that was paid and not cancelled (and so refunded) since; it counts on the day of its payment.
_SOLD = """
    FROM seen_orders AS orders JOIN seen_order_items AS items ON items.order_id = orders.id
    LEFT JOIN seen_products AS products ON products.id = items.product_id
    WHERE paid_at >= $1 AND paid_at < $2 AND cancelled_at IS NULL AND ($3::bigint IS NULL OR user_id = $3)
"""
_SOLD_SUMS = "sum(quantity) AS quantity, sum(quantity * unit_price) AS revenue"
_SOLD_DAY = "(paid_at AT TIME ZONE 'UTC')::date AS day"
_SOLD_NAMES = """
    items.product_id, coalesce(max(products.sku), max(items.sku)) AS sku,
    coalesce(max(products.name), max(items.name)) AS product
"""
_SALES_TOTALS = f"""
    SELECT orders.currency, count(DISTINCT orders.id) AS orders, {_SOLD_SUMS} {_SOLD}
    GROUP BY orders.currency ORDER BY orders.currency
"""
_SALES_DAYS = f"""
    SELECT {_SOLD_DAY}, orders.currency, count(DISTINCT orders.id) AS orders, {_SOLD_SUMS} {_SOLD}
    GROUP BY day, orders.currency ORDER BY day, orders.currency
"""
_SALES_PRODUCTS = f"""
    SELECT {_SOLD_NAMES}, orders.currency, {_SOLD_SUMS}, max(products.stock) AS stock {_SOLD}
    GROUP BY items.product_id, orders.currency ORDER BY orders.currency, revenue DESC, items.product_id
"""
_SALES = f"""
    SELECT {_SOLD_DAY}, {_SOLD_NAMES}, orders.currency, {_SOLD_SUMS} {_SOLD}
    GROUP BY day, items.product_id, orders.currency ORDER BY day, items.product_id, orders.currency
"""

_QUERIES: Mapping[ReportType, Mapping[str, str]] = {
    ReportType.USER_ACTIVITY: {"totals": _ACTIVITY_TOTALS, "days": _ACTIVITY_DAYS, "activity": _ACTIVITY},
    ReportType.ORDER_SUMMARY: {"totals": _ORDER_TOTALS, "statuses": _STATUSES, "orders": _ORDERS, "items": _ITEMS},
    ReportType.SALES: {
        "totals": _SALES_TOTALS,
        "days": _SALES_DAYS,
        "products": _SALES_PRODUCTS,
        "sales": _SALES,
    },
}
_ORDERED_BY_DAY = f"""
    SELECT (placed_at AT TIME ZONE 'UTC')::date AS day, currency, sum(total) AS amount FROM seen_orders
    WHERE {_IN_PERIOD} GROUP BY day, currency ORDER BY day, currency
"""  # noqa: S608 - constants
_SOLD_BY_DAY = f"""
    SELECT {_SOLD_DAY}, orders.currency, sum(quantity * unit_price) AS amount {_SOLD}
    GROUP BY day, orders.currency ORDER BY day, orders.currency
"""
_NAME = "SELECT name FROM seen_users WHERE id = $1 AND NOT deleted"


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Connection]:
    """A connection on which all tables of one report are read as of the same moment."""
    async with (
        database.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        # Plans are made for the real bounds, so that one user's report never reads all users' rows.
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        await connection.execute("SET LOCAL statement_timeout = '120s'")
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '120s'")
        yield connection


async def rows(
    connection: Connection,
    report_type: ReportType,
    section: str,
    bounds: tuple[datetime, datetime],
    user_id: int | None,
) -> AsyncIterator[tuple[Any, ...]]:
    """The rows of a section by a server-side cursor."""
    query = _QUERIES[report_type][section]
    async for record in connection.cursor(query, *bounds, user_id, prefetch=_ROWS_AT_ONCE):
        yield tuple(record)


async def amounts_by_day(
    connection: Connection, report_type: ReportType, bounds: tuple[datetime, datetime], user_id: int | None
) -> list[tuple[date, str, Decimal]]:
    """What the plot shows: a day, a currency, an amount."""
    query = _SOLD_BY_DAY if report_type is ReportType.SALES else _ORDERED_BY_DAY
    return [tuple(record) for record in await connection.fetch(query, *bounds, user_id)]


async def name_of(connection: Connection, user_id: int) -> str | None:
    """The user's name, None when it is not known or the user is gone."""
    return await connection.fetchval(_NAME, user_id)
