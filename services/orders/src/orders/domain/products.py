"""What can be bought."""

from dataclasses import dataclass
from decimal import Decimal

from shared.problems import Conflict, NotFound

MAX_PRICE = Decimal("9999999999.99")
"""What the column NUMERIC(12,2) holds."""

MAX_STOCK = 1_000_000_000
"""Far above any shelf, and far enough below the column's end that returned stock always fits."""


class ProductNotFound(NotFound):
    """There is no such product, or it was deleted."""

    def __init__(self) -> None:
        super().__init__("product_not_found", "There is no such product.")


class SkuTaken(Conflict):
    """Another product has this SKU."""

    def __init__(self, sku: str) -> None:
        super().__init__("sku_taken", f"Another product has the SKU {sku}.")


@dataclass(frozen=True)
class ProductFields:
    """What an admin says of a product."""

    sku: str
    name: str
    description: str
    price: Decimal
    currency: str
    stock: int


@dataclass(frozen=True)
class Product(ProductFields):
    """A product as it is stored; ``version`` grows with each change, its stock's included."""

    id: int
    version: int
    deleted: bool
