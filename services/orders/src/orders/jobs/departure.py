"""Asks for what follows when a user is deleted; ``forget_customer.py`` does it."""

from datetime import timedelta

from pydantic import BaseModel

from shared.jobs import enqueue
from shared.postgres import Connection

FORGET_CUSTOMER = "orders.forget_customer"

_LOOKS = (timedelta(0), timedelta(minutes=1))
"""The second look finds an order that was being placed while the deletion was heard."""


class ForgetCustomer(BaseModel):
    """Whom to forget."""

    user_id: int


async def ask_to_forget(connection: Connection, user_id: int) -> None:
    """Queue the work with the transaction that hears of the deletion."""
    for delay in _LOOKS:
        await enqueue(connection, FORGET_CUSTOMER, ForgetCustomer(user_id=user_id), delay=delay)
