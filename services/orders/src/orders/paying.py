"""Payments: one attempt at a time, and one success at most, for an order."""

import structlog

from orders.domain.orders import Order, OrderStatus
from orders.domain.payments import (
    OnlyTheOwnerPays,
    OrderNotPayable,
    Payment,
    PaymentMethod,
    PaymentProvider,
    PaymentStatus,
    charge_of,
)
from orders.ordering import enter_status
from orders.store import payments
from shared.identity import Principal
from shared.postgres import Connection

log = structlog.stdlib.get_logger(__name__)


async def pay_order(
    connection: Connection, provider: PaymentProvider, principal: Principal, order: Order, method: PaymentMethod
) -> Payment:
    """Pay a locked order; the lock makes a second payment wait and then find it paid.

    A declined attempt is a payment too, with that status, and is to be committed like one.
    Raises OnlyTheOwnerPays and OrderNotPayable.
    """
    if order.user_id != principal.user_id:
        raise OnlyTheOwnerPays
    if order.status is not OrderStatus.PENDING:
        raise OrderNotPayable(order.status)
    took = await provider.charge(charge_of(order, method))
    status = PaymentStatus.SUCCEEDED if took else PaymentStatus.DECLINED
    payment = await payments.insert(connection, order, method, status)
    if took:
        await enter_status(connection, order, OrderStatus.PAID)
    log.info("payment", order_id=order.id, payment_id=payment.id, status=status.value)
    return payment
