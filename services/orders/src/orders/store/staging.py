"""The rows of an import on their way to ``products``: COPY into a temporary table, checks and the upsert in SQL.

Everything happens in one transaction, which the temporary table ends with.
"""

from collections.abc import AsyncIterator, Sequence

import asyncpg

from orders.domain.imports import MOST_ERRORS, Applied, RowError, RowErrors
from orders.domain.products import MAX_STOCK
from shared.postgres import Connection

CHUNK = 50_000
"""Lines that one statement writes."""

_CREATE = """
CREATE TEMPORARY TABLE staged_products (
    line bigint NOT NULL, sku text NOT NULL, name text NOT NULL, price text NOT NULL, stock text NOT NULL,
    description text, currency text
) ON COMMIT DROP
"""
_PREPARE = """
SELECT set_config('statement_timeout', '0', true), set_config('work_mem', '64MB', true)
"""
# The lines lie in their order: a BRIN finds a range of them and costs next to nothing.
_INDEX = "CREATE INDEX ON staged_products USING brin (line)"
# The rules of the API's fields, once for all rows; what is wrong is then asked of the bad ones only.
_REMOVE_BAD = r"""
WITH bad AS (
    DELETE FROM staged_products
    WHERE NOT (
        length(sku) BETWEEN 1 AND 64 AND length(name) BETWEEN 1 AND 200
        AND coalesce(length(description), 0) <= 10000
        AND price ~ '^[0-9]{1,10}(\.[0-9]{1,2})?$' AND price ~ '[1-9]'
        AND coalesce(currency ~ '^[A-Z]{3}$', true)
        AND CASE WHEN stock ~ '^[0-9]{1,10}$' THEN stock::bigint <= $1 ELSE false END
    )
    RETURNING line, sku, name, description, price, currency, stock
), wrong AS (
    SELECT line, field, message FROM bad CROSS JOIN LATERAL (VALUES
        ('sku', CASE WHEN sku = '' THEN 'The SKU is empty.'
            WHEN length(sku) > 64 THEN 'A SKU has at most 64 characters.' END),
        ('name', CASE WHEN name = '' THEN 'The name is empty.'
            WHEN length(name) > 200 THEN 'A name has at most 200 characters.' END),
        ('description', CASE WHEN length(description) > 10000
            THEN 'A description has at most 10000 characters.' END),
        ('price', CASE WHEN price !~ '^[0-9]{1,10}(\.[0-9]{1,2})?$'
            THEN 'A price is a decimal with at most ten digits and two decimals, such as 9.99.'
            WHEN price !~ '[1-9]' THEN 'A price is above zero.' END),
        ('currency', CASE WHEN currency !~ '^[A-Z]{3}$'
            THEN 'A currency is three capital letters, such as EUR.' END),
        ('stock', CASE WHEN stock !~ '^[0-9]{1,10}$' OR stock::bigint > $1
            THEN 'A stock is a whole number from 0 to ' || $1 || '.' END)
    ) AS told (field, message)
    WHERE message IS NOT NULL
)
SELECT line, field, message, (SELECT count(*) FROM bad) AS bad_rows FROM wrong ORDER BY line, field LIMIT $2
"""
_REMOVE_DOUBLE = """
WITH doubled AS (
    SELECT sku, min(line) AS first FROM staged_products GROUP BY sku HAVING count(*) > 1
), bad AS (
    DELETE FROM staged_products AS staged USING doubled
    WHERE staged.sku = doubled.sku AND staged.line <> doubled.first
    RETURNING staged.line, doubled.first
)
SELECT line, 'sku' AS field, 'The SKU is on line ' || first || ' already.' AS message,
    (SELECT count(*) FROM bad) AS bad_rows
FROM bad ORDER BY line LIMIT $1
"""
_LAST_LINE = "SELECT coalesce(max(line), 0) FROM staged_products"
# One import writes at a time: two that bring the same new SKUs in two orders would wait for each other.
_TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('product imports:' || current_schema(), 0))"
# In the order of their ids, as orders lock them, so that no order and no import wait for each other.
_LOCK_KNOWN = """
SELECT count(*) FROM (
    SELECT FROM products WHERE deleted_at IS NULL AND sku IN (SELECT sku FROM staged_products)
    ORDER BY id FOR UPDATE
) AS locked
"""
_UPSERT = """
WITH written AS (
    INSERT INTO products AS product (sku, name, description, price, currency, stock)
    SELECT sku, name, coalesce(description, ''), price::numeric, coalesce(currency, 'EUR'), stock::integer
    FROM staged_products WHERE line BETWEEN $1 AND $2 ORDER BY line
    ON CONFLICT (sku) WHERE deleted_at IS NULL DO UPDATE
    SET name = excluded.name, price = excluded.price, stock = excluded.stock,
        description = CASE WHEN $3 THEN excluded.description ELSE product.description END,
        currency = CASE WHEN $4 THEN excluded.currency ELSE product.currency END,
        version = product.version + 1, updated_at = now()
    WHERE (product.name, product.price, product.stock) IS DISTINCT FROM (excluded.name, excluded.price, excluded.stock)
        OR $3 AND product.description <> excluded.description
        OR $4 AND product.currency <> excluded.currency
    RETURNING id, version
), untold AS (
    INSERT INTO unannounced_products (product_id, version) SELECT id, version FROM written
)
SELECT count(*) FILTER (WHERE version = 1) AS created, count(*) FILTER (WHERE version > 1) AS updated FROM written
"""


async def stage(connection: Connection, columns: Sequence[str], pieces: AsyncIterator[bytes]) -> None:
    """Take in the CSV rows of ``product_rows.spool_rows``; ``columns`` are those after the line's number."""
    await connection.execute(_PREPARE)
    await connection.execute(_CREATE)
    await connection.copy_to_table(
        "staged_products",
        source=pieces,
        columns=["line", *columns],
        format="csv",
        # An empty field is an empty text: there is no NULL in a file of products.
        force_not_null=list(columns),
    )
    await connection.execute(_INDEX)
    await connection.execute("ANALYZE staged_products")


async def remove_bad(connection: Connection) -> RowErrors:
    """Take out the rows that break a rule, then those whose SKU an earlier good row has."""
    broken = _errors(await connection.fetch(_REMOVE_BAD, MAX_STOCK, MOST_ERRORS))
    return broken.and_also(_errors(await connection.fetch(_REMOVE_DOUBLE, MOST_ERRORS)))


async def lock_known(connection: Connection) -> int:
    """Wait for the turn to write, and lock the products that there are already; how many."""
    await connection.execute(_TAKE_TURN)
    return await connection.fetchval(_LOCK_KNOWN)


async def upsert(connection: Connection, columns: Sequence[str]) -> AsyncIterator[tuple[Applied, float]]:
    """Write the rows to ``products`` in the order of the file; after each piece what it did, and how far it is.

    A product that has all the values already stays as it is, without a new version.
    """
    last: int = await connection.fetchval(_LAST_LINE)
    statement = await connection.prepare(_UPSERT)
    for first in range(1, last + 1, CHUNK):
        optional = "description" in columns, "currency" in columns
        row = await statement.fetchrow(first, first + CHUNK - 1, *optional)
        if row is not None:
            yield Applied(row["created"], row["updated"]), min(1.0, (first + CHUNK) / last)


def _errors(rows: Sequence[asyncpg.Record]) -> RowErrors:
    kept = tuple(RowError(row["line"], row["field"], row["message"]) for row in rows)
    return RowErrors(kept, rows[0]["bad_rows"] if rows else 0)
