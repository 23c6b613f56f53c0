"""What orders answers, and the parts of what it is sent. Made of services/orders/openapi.json."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias, TypedDict
from uuid import UUID

from gatehouse_client.model import Model

ImportMode: TypeAlias = Literal["all_or_nothing", "skip_bad"]
"""What becomes of the good rows of a file that has bad ones."""


JobStatus: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
"""A job is finished in each of the last three."""


OrderStatus: TypeAlias = Literal["pending", "paid", "shipped", "delivered", "cancelled"]
"""Where an order is."""


PaymentMethod: TypeAlias = Literal["card", "card_declined"]
"""How to pay. The simulated provider declines `card_declined`, so that this can be tried."""


PaymentStatus: TypeAlias = Literal["succeeded", "declined", "refunded"]
"""What came of a payment."""


class OrderItem(Model):
    """A product as it was when the order was placed, and how many."""

    name: str
    product_id: int
    quantity: int
    sku: str
    unit_price: Decimal


class Product(Model):
    """A product."""

    currency: str
    description: str
    id: int
    name: str
    price: Decimal
    sku: str
    stock: int


class RowError(Model):
    """What is wrong with a row of the file."""

    field: str
    """The column; empty where it is about the row as a whole."""
    line: int
    """Where the row begins in the file; the names of the columns are line 1."""
    message: str


class Import(Model):
    """An import: its job, and what was found and done once that is known."""

    bad_rows: int | None
    """Rows that break a rule."""
    created: int | None
    created_at: datetime
    error: str | None
    """Why it failed."""
    finished_at: datetime | None
    id: UUID
    message: str
    """What it does, in words."""
    mode: ImportMode | str
    progress: int
    """In percent."""
    result: Any
    """What it left; null while it is not finished."""
    rows: int | None
    """Rows of the file, without its first line."""
    status: JobStatus | str
    type: str
    updated: int | None


class Order(Model):
    """An order."""

    created_at: datetime
    currency: str
    id: int
    items: list[OrderItem]
    status: OrderStatus | str
    total: Decimal
    user_id: int
    """-1 when the customer was deleted."""


class Payment(Model):
    """One attempt to pay."""

    amount: Decimal
    created_at: datetime
    currency: str
    id: int
    method: PaymentMethod | str
    order_id: int
    status: PaymentStatus | str


class OrderLine(TypedDict):
    """A product and how many of it."""

    product_id: int
    quantity: int
