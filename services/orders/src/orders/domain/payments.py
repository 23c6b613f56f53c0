"""Paying for an order, and what is asked of a payment provider."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from orders.domain.orders import Order, OrderStatus
from shared.problems import Conflict, Forbidden, NotFound


class PaymentStatus(StrEnum):
    """What came of a payment."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    REFUNDED = "refunded"


class PaymentMethod(StrEnum):
    """How to pay. The simulated provider declines ``card_declined``, so that this can be tried."""

    CARD = "card"
    CARD_DECLINED = "card_declined"


class PaymentNotFound(NotFound):
    """The order has no such payment."""

    def __init__(self) -> None:
        super().__init__("payment_not_found", "There is no such payment.")


class OrderNotPayable(Conflict):
    """Only a pending order can be paid."""

    def __init__(self, status: OrderStatus) -> None:
        super().__init__("order_not_payable", f"An order that is {status} cannot be paid.")


class PaymentInProgress(Conflict):
    """Another payment of the order has begun and is not settled."""

    def __init__(self) -> None:
        super().__init__("payment_in_progress", "A payment of this order runs. See what comes of it.")


class OnlyTheOwnerPays(Forbidden):
    """Even an admin does not pay another's order."""

    def __init__(self) -> None:
        super().__init__("forbidden", "Only the owner of an order pays it.")


@dataclass(frozen=True)
class Payment:
    """One attempt to pay, or its end."""

    id: int
    order_id: int
    status: PaymentStatus
    method: PaymentMethod
    amount: Decimal
    currency: str
    created_at: datetime


@dataclass(frozen=True)
class Charge:
    """What a provider is asked to take.

    ``reference`` names the order: a provider charges a reference at most once, so that a crash
    between its answer and our commit cannot charge twice.
    """

    reference: str
    amount: Decimal
    currency: str
    method: PaymentMethod


def charge_of(order: Order, method: PaymentMethod) -> Charge:
    """The charge that pays the whole order."""
    return Charge(f"orders/{order.id}", order.total, order.currency, method)


class PaymentProvider(Protocol):
    """Takes money and gives it back."""

    async def charge(self, charge: Charge) -> bool:
        """Take the amount, once for a reference; False when it was declined."""
        ...

    async def was_charged(self, charge: Charge) -> bool:
        """Whether the amount was taken under the charge's reference, refunded or not."""
        ...

    async def refund(self, charge: Charge) -> None:
        """Give back what was taken under the charge's reference; doing it again does nothing."""
        ...
