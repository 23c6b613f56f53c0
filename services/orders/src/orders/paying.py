"""Payments: one attempt at a time, and one success at most, for an order.

The provider is asked between two transactions, never within one: the first writes that a payment begins,
the second what came of it. A crash in between leaves the attempt, which ``jobs/settle_payments.py`` settles
by asking the provider. Both transactions lock the order, so that a payment and a cancellation, by a person
or because the order expired, are decided by who has the row first.
"""

import asyncio

import structlog

from orders.domain.orders import Order, OrderNotFound, OrderStatus
from orders.domain.payments import (
    OnlyTheOwnerPays,
    OrderNotPayable,
    Payment,
    PaymentInProgress,
    PaymentMethod,
    PaymentProvider,
    PaymentStatus,
    charge_of,
)
from orders.jobs import refund_payment
from orders.ordering import enter_status
from orders.store import orders, payment_attempts, payments
from orders.store.payment_attempts import PaymentAttempt
from shared.identity import Principal
from shared.postgres import Connection

log = structlog.stdlib.get_logger(__name__)

PROVIDER_SECONDS = 10.0
"""How long a provider may take; an attempt that is much older was left open."""


async def begin_payment(
    connection: Connection, principal: Principal, order: Order, method: PaymentMethod
) -> PaymentAttempt:
    """Write, before the provider is asked, that a locked order is being paid.

    Raises OnlyTheOwnerPays, OrderNotPayable and PaymentInProgress.
    """
    if order.user_id != principal.user_id:
        raise OnlyTheOwnerPays
    if order.status is not OrderStatus.PENDING:
        raise OrderNotPayable(order.status)
    attempt = await payment_attempts.begin(connection, order.id, method)
    if attempt is None:
        raise PaymentInProgress
    return attempt


async def charge(provider: PaymentProvider, order: Order, method: PaymentMethod) -> bool:
    """Have the provider take the money, in no transaction; False when it declined.

    Raises TimeoutError when it does not answer; the attempt is then settled later.
    """
    async with asyncio.timeout(PROVIDER_SECONDS):
        return await provider.charge(charge_of(order, method))


async def settle_payment(connection: Connection, attempt: PaymentAttempt, *, took: bool | None) -> Payment | None:
    """Write what came of an attempt; ``took`` is None where the provider knows of no charge.

    A declined attempt is a payment too, with that status. Money that was taken for an order that was
    cancelled meanwhile is given back. None when nothing was to be written: it was settled by another.
    """
    order = await orders.lock(connection, attempt.order_id)
    if order is None:
        raise OrderNotFound
    mine = await payment_attempts.end(connection, attempt)
    if not took:
        declined = took is False and mine
        return await payments.insert(connection, order, attempt.method, PaymentStatus.DECLINED) if declined else None
    # A reference is charged once: whoever wrote that charge wrote this one.
    payment = await payments.charged(connection, order.id)
    if payment is None:
        payment = await payments.insert(connection, order, attempt.method, PaymentStatus.SUCCEEDED)
        if order.status is OrderStatus.PENDING:
            await enter_status(connection, order, OrderStatus.PAID)
        else:
            payment = await payments.refund(connection, order.id) or payment
            await refund_payment.enqueue_refund(connection, order.id)
    log.info("payment", order_id=order.id, payment_id=payment.id, status=payment.status.value)
    return payment
