"""An order and the steps it may take.

pending ──▶ paid ──▶ shipped ──▶ delivered
   └──────────┴────▶ cancelled
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared.problems import Conflict, Forbidden, NotFound


class OrderStatus(StrEnum):
    """Where an order is."""

    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class CancelReason(StrEnum):
    """Why an order was cancelled."""

    REQUESTED = "requested"
    EXPIRED = "expired"


STEPS: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PENDING: frozenset({OrderStatus.PAID, OrderStatus.CANCELLED}),
    OrderStatus.PAID: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.DELIVERED}),
    OrderStatus.DELIVERED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}
"""The steps from each status; there are no others."""

OWNERS_STEPS = frozenset({OrderStatus.CANCELLED})
"""What an owner may ask for; the rest is an admin's, and ``paid`` also a payment's."""


NOBODY = -1
"""Whose an order is when its customer was deleted. Not 0: that is what a service's ``Principal`` has."""


class OrderNotFound(NotFound):
    """There is no such order for this caller."""

    def __init__(self) -> None:
        super().__init__("order_not_found", "There is no such order.")


class InvalidTransition(Conflict):
    """The state machine has no such step."""

    def __init__(self, current: OrderStatus, wanted: OrderStatus) -> None:
        super().__init__("invalid_transition", f"An order that is {current} cannot become {wanted}.")


class NotTheOwnersStep(Forbidden):
    """A step that an owner may not ask for."""

    def __init__(self, wanted: OrderStatus) -> None:
        super().__init__("forbidden", f"Only an admin may make an order {wanted}.")


@dataclass(frozen=True)
class OrderItem:
    """A product as it was when the order was placed, and how many."""

    product_id: int
    sku: str
    name: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True)
class Order:
    """An order as it is stored; ``version`` grows with each step, ``user_id`` is NOBODY without the customer."""

    id: int
    user_id: int
    status: OrderStatus
    items: tuple[OrderItem, ...]
    total: Decimal
    currency: str
    created_at: datetime
    updated_at: datetime
    version: int


def check_step(current: OrderStatus, wanted: OrderStatus, *, by_admin: bool) -> None:
    """Raise NotTheOwnersStep or InvalidTransition when the step may not be taken."""
    if not by_admin and wanted not in OWNERS_STEPS:
        raise NotTheOwnersStep(wanted)
    if wanted not in STEPS[current]:
        raise InvalidTransition(current, wanted)
