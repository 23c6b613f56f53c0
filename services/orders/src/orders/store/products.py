"""The table ``products``."""

from typing import Any

import asyncpg

from orders.domain.products import Product, ProductFields, SkuTaken
from shared.postgres import Connection

_FIND = """
SELECT id, sku, name, description, price, currency, stock, version, false AS deleted
FROM products WHERE id = $1 AND deleted_at IS NULL
"""
_LOCK = """
SELECT id, sku, name, description, price, currency, stock, version, false AS deleted
FROM products WHERE id = $1 AND deleted_at IS NULL FOR UPDATE
"""
_PAGE = """
SELECT id, sku, name, description, price, currency, stock, version, false AS deleted
FROM products
WHERE deleted_at IS NULL AND ($1::text IS NULL OR sku = $1)
    AND ($2::text IS NULL OR to_tsvector('simple', name || ' ' || sku) @@ websearch_to_tsquery('simple', $2))
ORDER BY id LIMIT $3 OFFSET $4
"""
_COUNT = """
SELECT count(*) FROM products
WHERE deleted_at IS NULL AND ($1::text IS NULL OR sku = $1)
    AND ($2::text IS NULL OR to_tsvector('simple', name || ' ' || sku) @@ websearch_to_tsquery('simple', $2))
"""
_INSERT = """
INSERT INTO products (sku, name, description, price, currency, stock) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id, sku, name, description, price, currency, stock, version, false AS deleted
"""
_UPDATE = """
UPDATE products SET sku = $2, name = $3, description = $4, price = $5, currency = $6, stock = $7,
    version = version + 1, updated_at = now()
WHERE id = $1
RETURNING id, sku, name, description, price, currency, stock, version, false AS deleted
"""
_DELETE = """
UPDATE products SET deleted_at = now(), version = version + 1, updated_at = now()
WHERE id = $1
RETURNING id, sku, name, description, price, currency, stock, version, true AS deleted
"""

_GIVE_BACK = """
WITH returned AS (
    SELECT product_id, quantity FROM order_items WHERE order_id = $1
), locked AS (
    SELECT id FROM products WHERE id IN (SELECT product_id FROM returned) ORDER BY id FOR UPDATE
)
UPDATE products SET stock = products.stock + returned.quantity, version = products.version + 1, updated_at = now()
FROM locked JOIN returned ON returned.product_id = locked.id
WHERE products.id = locked.id
RETURNING products.id, sku, name, description, price, currency, stock, version, deleted_at IS NOT NULL AS deleted
"""


def _values(fields: ProductFields) -> tuple[Any, ...]:
    return fields.sku, fields.name, fields.description, fields.price, fields.currency, fields.stock


async def find(connection: Connection, product_id: int) -> Product | None:
    """The product, None when there is none or it is deleted."""
    row = await connection.fetchrow(_FIND, product_id)
    return Product(**row) if row else None


async def lock(connection: Connection, product_id: int) -> Product | None:
    """The product, unchanged by others until the transaction ends."""
    row = await connection.fetchrow(_LOCK, product_id)
    return Product(**row) if row else None


async def page(
    connection: Connection, *, sku: str | None, words: str | None, limit: int, offset: int
) -> tuple[list[Product], int]:
    """Products by their ids, and how many there are in all."""
    rows = await connection.fetch(_PAGE, sku, words, limit, offset)
    total: int = await connection.fetchval(_COUNT, sku, words)
    return [Product(**row) for row in rows], total


async def insert(connection: Connection, fields: ProductFields) -> Product:
    """Write a new product. Raises SkuTaken."""
    return await _write(connection, _INSERT, *_values(fields), sku=fields.sku)


async def update(connection: Connection, product_id: int, fields: ProductFields) -> Product:
    """Write the fields of a locked product. Raises SkuTaken."""
    return await _write(connection, _UPDATE, product_id, *_values(fields), sku=fields.sku)


async def _write(connection: Connection, sql: str, *values: object, sku: str) -> Product:
    try:
        row = await connection.fetchrow(sql, *values)
    except asyncpg.UniqueViolationError as error:
        raise SkuTaken(sku) from error
    return _one(row)


async def delete(connection: Connection, product_id: int) -> Product:
    """Mark a locked product as deleted."""
    return _one(await connection.fetchrow(_DELETE, product_id))


def _one(row: asyncpg.Record | None) -> Product:
    if row is None:
        raise LookupError("the row was locked and is gone")
    return Product(**row)


async def give_back(connection: Connection, order_id: int) -> list[Product]:
    """Put the items of an order back on the shelf, deleted products included; the products after it."""
    return [Product(**row) for row in await connection.fetch(_GIVE_BACK, order_id)]
