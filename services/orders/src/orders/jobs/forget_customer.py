"""orders.forget_customer: takes a deleted user from their orders."""

from datetime import timedelta

import structlog
from prometheus_client import Counter

from orders.forgetting import forget_customer
from orders.jobs.departure import FORGET_CUSTOMER, ForgetCustomer
from shared.jobs import JobContext, JobType

log = structlog.stdlib.get_logger(__name__)

FORGOTTEN = Counter(
    "orders_forgotten_total", "Orders that a deleted user was taken from, by what became of them.", ["end"]
)


async def handle(context: JobContext, payload: ForgetCustomer) -> None:
    """Do it; what a killed worker left undone the next one does."""
    cancelled, kept = await forget_customer(context.database, payload.user_id)
    FORGOTTEN.labels("cancelled").inc(cancelled)
    FORGOTTEN.labels("kept").inc(kept)
    log.info("customer_forgotten", user_id=payload.user_id, cancelled=cancelled, kept=kept)


JOB = JobType(FORGET_CUSTOMER, handle, payload=ForgetCustomer, max_attempts=20, timeout=timedelta(minutes=30))
