"""A customer who was deleted: pending orders are cancelled, the others stay for the accounts, without the person."""

from orders.domain.orders import OrderStatus
from orders.ordering import cancel_departed
from orders.store import orders
from shared.postgres import Database
from shared.web.kept_answers import forget_owner

_BATCH = 500


async def forget_customer(database: Database, user_id: int) -> tuple[int, int]:
    """Take the person from all their orders; how many pending ones were cancelled, how many kept.

    May be stopped anywhere and run again: each transaction leaves less to do.
    """
    cancelled = kept = 0
    while await _cancel_one(database, user_id):
        cancelled += 1
    while detached := await _detach_some(database, user_id):
        kept += detached
    async with database.transaction() as connection:
        await forget_owner(connection, str(user_id))
    return cancelled, kept


async def _cancel_one(database: Database, user_id: int) -> bool:
    # One order a transaction: the products of two would be locked in an order that others do not keep.
    async with database.transaction() as connection:
        pending = await orders.detach(connection, user_id, status=OrderStatus.PENDING, limit=1)
        for order in pending:
            await cancel_departed(connection, order)
    return bool(pending)


async def _detach_some(database: Database, user_id: int) -> int:
    async with database.transaction() as connection:
        return len(await orders.detach(connection, user_id, status=None, limit=_BATCH))
