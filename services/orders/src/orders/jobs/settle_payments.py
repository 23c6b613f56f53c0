"""The job that settles payments that a crash left open between the provider's answer and our commit."""

import asyncio
from datetime import timedelta
from functools import partial

import structlog
from pydantic import BaseModel

from orders import paying
from orders.domain.payments import PaymentProvider, charge_of
from orders.metrics import SETTLED
from orders.resources import ProviderOf
from orders.store import orders, payment_attempts
from orders.store.payment_attempts import PaymentAttempt
from shared.jobs import JobContext, JobType
from shared.postgres import Database

log = structlog.stdlib.get_logger(__name__)

NAME = "orders.settle-payments"
OLDER = timedelta(seconds=60)
"""By then whoever asked the provider has its answer or is gone: a request ends after 10 seconds."""

_BATCH = 100


class SettlePayments(BaseModel):
    """All that were left open."""


def settle_job(provider_of: ProviderOf) -> JobType[SettlePayments]:
    """The job type."""
    return JobType(NAME, partial(_handle, provider_of), payload=SettlePayments, max_attempts=1, concurrency=1)


async def _handle(provider_of: ProviderOf, context: JobContext, _payload: SettlePayments) -> None:
    provider, after = provider_of(context.database), 0
    while True:
        await context.check_cancelled()
        async with context.database.acquire() as connection:
            attempts = await payment_attempts.left_open(connection, OLDER, after, _BATCH)
        for attempt in attempts:
            after = attempt.id
            try:
                await _settle(context.database, provider, attempt)
            except Exception:  # one that the provider cannot tell of keeps none of the others waiting
                log.exception("payment_not_settled", order_id=attempt.order_id)
                SETTLED.labels("unknown").inc()
        if len(attempts) < _BATCH:
            return


async def _settle(database: Database, provider: PaymentProvider, attempt: PaymentAttempt) -> None:
    async with database.transaction() as connection:
        order = await orders.find(connection, attempt.order_id)
    if order is None:
        return
    async with asyncio.timeout(paying.PROVIDER_SECONDS):
        took = await provider.was_charged(charge_of(order, attempt.method))
    async with database.transaction() as connection:
        await paying.settle_payment(connection, attempt, took=True if took else None)
    SETTLED.labels("charged" if took else "not_charged").inc()
    log.warning("payment_settled", order_id=attempt.order_id, charged=took)
