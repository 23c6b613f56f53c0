"""The job that gives the money of a cancelled order back: queued in the transaction that cancels it."""

from datetime import timedelta
from functools import partial

from pydantic import BaseModel

from orders.domain.payments import charge_of
from orders.resources import ProviderOf
from orders.store import orders, payments
from shared.jobs import JobContext, JobType, enqueue
from shared.postgres import Connection

NAME = "orders.refund-payment"


class RefundPayment(BaseModel):
    """Whose payment."""

    order_id: int


async def enqueue_refund(connection: Connection, order_id: int) -> None:
    """Have the provider give back, after the caller's commit, what was taken for the order."""
    await enqueue(connection, NAME, RefundPayment(order_id=order_id))


def refund_job(provider_of: ProviderOf) -> JobType[RefundPayment]:
    """The job type; a refund by reference may be asked for again, so it is, for a day and more."""
    return JobType(
        NAME,
        partial(_handle, provider_of),
        payload=RefundPayment,
        max_attempts=500,
        timeout=timedelta(seconds=30),
    )


async def _handle(provider_of: ProviderOf, context: JobContext, payload: RefundPayment) -> None:
    async with context.database.transaction() as connection:
        order = await orders.find(connection, payload.order_id)
        payment = await payments.charged(connection, payload.order_id)
    if order is not None and payment is not None:
        await provider_of(context.database).refund(charge_of(order, payment.method))
