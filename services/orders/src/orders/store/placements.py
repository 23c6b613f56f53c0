"""What a placement needs before the order can be written, in one statement: the stock taken, an id, who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from orders.domain.cart import CartLine, Shelf
from orders.domain.products import Product
from shared.postgres import Connection

# The rows are locked in the order of their ids before any of them changes, so that two orders of the same
# products cannot wait for each other; the guard on the stock is read again on the locked row.
_TAKE = """
WITH wanted AS (
    SELECT product_id, quantity FROM unnest($1::bigint[], $2::integer[]) AS line (product_id, quantity)
), locked AS (
    SELECT id, sku, name, description, price, currency, stock, version
    FROM products WHERE id = ANY ($1) AND deleted_at IS NULL
    ORDER BY id FOR UPDATE
), taken AS (
    UPDATE products SET stock = products.stock - wanted.quantity, version = products.version + 1, updated_at = now()
    FROM locked JOIN wanted ON wanted.product_id = locked.id
    WHERE products.id = locked.id AND products.stock >= wanted.quantity
    RETURNING products.id, products.stock, products.version
), buyer AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM customers WHERE id = $3 AND deleted) AS is_deleted, nextval('orders_id_seq') AS order_id,
        now() AS at, pg_current_xact_id()::text AS transaction
)
SELECT buyer.is_deleted, buyer.order_id, buyer.at, buyer.transaction,
    locked.id, sku, name, description, price, currency, coalesce(taken.stock, locked.stock) AS stock,
    coalesce(taken.version, locked.version) AS version, taken.id IS NOT NULL AS taken
FROM buyer LEFT JOIN (locked LEFT JOIN taken ON taken.id = locked.id) ON true
ORDER BY locked.id
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A placement that has begun: ``shelves`` are by product id, without the products that do not exist."""

    by_deleted_user: bool
    order_id: int
    at: datetime
    transaction: int
    shelves: dict[int, Shelf]


async def begin(connection: Connection, user_id: int, lines: Sequence[CartLine]) -> Begun:
    """Take the lines' quantities from the stock where there is enough of a product, never below zero."""
    rows = await connection.fetch(
        _TAKE, [line.product_id for line in lines], [line.quantity for line in lines], user_id
    )
    shelves = {
        row["id"]: Shelf(
            Product(
                id=row["id"],
                sku=row["sku"],
                name=row["name"],
                description=row["description"],
                price=row["price"],
                currency=row["currency"],
                stock=row["stock"],
                version=row["version"],
                deleted=False,
            ),
            taken=row["taken"],
        )
        for row in rows
        if row["id"] is not None
    }
    first = rows[0]
    return Begun(first["is_deleted"], first["order_id"], first["at"], int(first["transaction"]), shelves)
