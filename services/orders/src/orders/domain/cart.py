"""From what somebody asks for to an order that can be written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from orders.domain.orders import Order, OrderItem, OrderStatus
from orders.domain.products import MAX_PRICE, Product
from shared.problems import Conflict, FieldError, UnprocessableContent

MAX_QUANTITY = 1000
"""Of one product in one order, however many lines it is spread over."""


class CartRefused(UnprocessableContent):
    """What is asked for breaks a rule; the errors name the lines of the request."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("validation_error", "The input breaks a rule.", errors=errors)


class OutOfStock(Conflict):
    """There is less than is asked for; nothing was taken."""

    def __init__(self, missing: Sequence["CartLine"]) -> None:
        ids = ", ".join(str(line.product_id) for line in missing)
        errors = [FieldError(field=line.field("quantity"), message="Not so many in stock.") for line in missing]
        super().__init__("out_of_stock", f"Not enough in stock of product {ids}.", errors=errors)


@dataclass(frozen=True)
class CartLine:
    """One product and how many; ``index`` is where the request named it first."""

    product_id: int
    quantity: int
    index: int

    def field(self, name: str) -> str:
        """The place in the request, as an error names it."""
        return f"items.{self.index}.{name}"


@dataclass(frozen=True)
class Shelf:
    """A product that was asked for, and whether the stock was taken from it."""

    product: Product
    taken: bool


@dataclass(frozen=True)
class OrderDraft:
    """An order before it has an id."""

    items: tuple[OrderItem, ...]
    total: Decimal
    currency: str

    def placed(self, order_id: int, user_id: int, at: datetime) -> Order:
        """The order that it becomes."""
        return Order(order_id, user_id, OrderStatus.PENDING, self.items, self.total, self.currency, at, at, 1)


def merge_lines(asked: Iterable[tuple[int, int]]) -> list[CartLine]:
    """Make one line of all lines of a product; ``asked`` are product ids and quantities.

    Raises CartRefused when together they are more than one order may hold.
    """
    lines: dict[int, CartLine] = {}
    for index, (product_id, quantity) in enumerate(asked):
        known = lines.get(product_id)
        lines[product_id] = (
            CartLine(product_id, quantity, index)
            if known is None
            else CartLine(product_id, known.quantity + quantity, known.index)
        )
    errors = [
        FieldError(field=line.field("quantity"), message=f"At most {MAX_QUANTITY} of one product.")
        for line in lines.values()
        if line.quantity > MAX_QUANTITY
    ]
    if errors:
        raise CartRefused(errors)
    return list(lines.values())


def draft_order(lines: Sequence[CartLine], shelves: Mapping[int, Shelf]) -> OrderDraft:
    """Price the lines by the products found; ``shelves`` are by product id.

    Raises CartRefused for an unknown product, more than one currency or a total above what money
    columns hold, and OutOfStock when the stock of a product was not taken.
    """
    unknown = [line for line in lines if line.product_id not in shelves]
    if unknown:
        raise CartRefused(
            [FieldError(field=line.field("product_id"), message="There is no such product.") for line in unknown]
        )
    missing = [line for line in lines if not shelves[line.product_id].taken]
    if missing:
        raise OutOfStock(missing)
    currency = shelves[lines[0].product_id].product.currency
    others = [line for line in lines if shelves[line.product_id].product.currency != currency]
    if others:
        message = f"All products of an order are paid in one currency, here {currency}."
        raise CartRefused([FieldError(field=line.field("product_id"), message=message) for line in others])
    items = tuple(_item(shelves[line.product_id].product, line.quantity) for line in lines)
    total = sum((item.unit_price * item.quantity for item in items), Decimal())
    if total > MAX_PRICE:
        raise CartRefused([FieldError(field="items", message=f"An order's total is at most {MAX_PRICE}.")])
    return OrderDraft(items, total, currency)


def _item(product: Product, quantity: int) -> OrderItem:
    return OrderItem(product.id, product.sku, product.name, quantity, product.price)
