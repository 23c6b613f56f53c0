"""The job that cancels orders that nobody paid in time, so that they hold no stock for ever."""

from datetime import timedelta
from functools import partial

from pydantic import BaseModel

from orders import ordering
from orders.metrics import EXPIRED
from orders.store import orders
from shared.jobs import JobContext, JobType

NAME = "orders.expire-pending"

_BATCH = 200


class ExpireOrders(BaseModel):
    """All that are too old."""


def expire_job(pending_expires: timedelta) -> JobType[ExpireOrders]:
    """The job type; an order is paid within ``pending_expires`` or cancelled."""
    return JobType(NAME, partial(_handle, pending_expires), payload=ExpireOrders, max_attempts=1, concurrency=1)


async def _handle(pending_expires: timedelta, context: JobContext, _payload: ExpireOrders) -> None:
    after = 0
    while True:
        async with context.database.acquire() as connection:
            overdue = await orders.overdue(connection, pending_expires, after, _BATCH)
        for order_id in overdue:
            await context.check_cancelled()
            # One a transaction: its locks are an order and its products, as everywhere.
            async with context.database.transaction() as connection:
                expired = await ordering.expire_order(connection, order_id)
            if expired:
                EXPIRED.inc()
        if len(overdue) < _BATCH:
            return
        after = overdue[-1]
