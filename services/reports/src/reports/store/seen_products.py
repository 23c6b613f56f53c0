"""Products as their events told of them."""

from dataclasses import dataclass
from decimal import Decimal

from shared.postgres import Connection

_APPLY = """
    INSERT INTO seen_products AS seen (id, sku, name, price, currency, stock, deleted, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (id) DO UPDATE SET sku = excluded.sku, name = excluded.name, price = excluded.price,
        currency = excluded.currency, stock = excluded.stock, deleted = excluded.deleted,
        version = excluded.version
    WHERE excluded.version > seen.version
"""


@dataclass(frozen=True, slots=True)
class SeenProduct:
    """A product after a change."""

    id: int
    sku: str
    name: str
    price: Decimal
    currency: str
    stock: int
    deleted: bool
    version: int


async def apply(connection: Connection, product: SeenProduct) -> None:
    """Take over what is newer."""
    await connection.execute(
        _APPLY,
        product.id,
        product.sku,
        product.name,
        product.price,
        product.currency,
        product.stock,
        product.deleted,
        product.version,
    )
