"""The table ``unannounced_products``: what an import wrote and nobody was told of yet."""

from orders.domain.products import Product
from shared.postgres import Connection

_SOME = "SELECT EXISTS (SELECT FROM unannounced_products)"
# Locked in the order of the ids, as everywhere. What was changed since was told of by whoever changed it.
_TAKE = """
WITH taken AS (
    DELETE FROM unannounced_products WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM unannounced_products LIMIT $1 FOR UPDATE SKIP LOCKED
    )) RETURNING product_id, version
)
SELECT id, sku, name, description, price, currency, stock, product.version, deleted_at IS NOT NULL AS deleted
FROM products AS product JOIN taken ON taken.product_id = product.id AND taken.version = product.version
ORDER BY id FOR UPDATE OF product
"""
_WAITING = "SELECT count(*) FROM (SELECT FROM outbox LIMIT $1) AS counted"


async def some(connection: Connection) -> bool:
    """Whether there is anything to tell."""
    return await connection.fetchval(_SOME)


async def take(connection: Connection, limit: int) -> list[Product]:
    """Take some out, and lock and give those of them whose version is still the newest."""
    return [Product(**row) for row in await connection.fetch(_TAKE, limit)]


async def count_waiting_events(connection: Connection, most: int) -> int:
    """How many messages wait in the outbox; ``most`` are counted."""
    return await connection.fetchval(_WAITING, most)
