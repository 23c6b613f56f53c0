"""Orders: placed, seen, and led from one status to the next.

Rows are locked in one order everywhere, an order before its products and products by their ids, so that
no two transactions wait for each other.
"""

from collections.abc import Iterable

from orders import events
from orders.domain.cart import draft_order, merge_lines
from orders.domain.orders import CancelReason, Order, OrderNotFound, OrderStatus, check_step
from orders.jobs import refund_payment
from orders.store import orders, payment_attempts, payments, placements, products
from shared.identity import Principal
from shared.messaging import events_write
from shared.postgres import Connection, Write
from shared.problems import Forbidden


async def place_order(
    connection: Connection, principal: Principal, asked: Iterable[tuple[int, int]]
) -> tuple[Order, list[Write]]:
    """Take the stock; the order, and the writes that make it be. ``asked`` are product ids and quantities.

    Raises Forbidden for a caller who is no user (any more), CartRefused and OutOfStock; the caller's
    transaction then rolls back what was taken.
    """
    lines = merge_lines(asked)
    if not principal.user_id:
        raise Forbidden("forbidden", "Only a user places orders.")
    begun = await placements.begin(connection, principal.user_id, lines)
    if begun.by_deleted_user:
        raise Forbidden("forbidden", "Only a user places orders.")
    order = draft_order(lines, begun.shelves).placed(begun.order_id, principal.user_id, begun.at)
    told = events.of_placed(order, [shelf.product for shelf in begun.shelves.values()])
    return order, [*orders.insertion(order), events_write(told, begun.transaction)]


async def get_order(connection: Connection, principal: Principal, order_id: int) -> Order:
    """The order. Raises OrderNotFound, for another's order too."""
    order = await orders.find(connection, order_id)
    if order is None or not principal.may_read(order.user_id):
        raise OrderNotFound
    return order


async def lock_order(connection: Connection, principal: Principal, order_id: int) -> Order:
    """The order, unchanged by others until the transaction ends.

    Raises OrderNotFound, for another's too, and Forbidden for a program, which owns none.
    """
    if principal.is_service:
        raise Forbidden("forbidden", "Orders belong to users, and a service is none.")
    order = await orders.lock(connection, order_id)
    if order is None or not principal.may_see(order.user_id):
        raise OrderNotFound
    return order


async def lead_order(connection: Connection, principal: Principal, order: Order, wanted: OrderStatus) -> Order:
    """Take a step with a locked order. Raises NotTheOwnersStep and InvalidTransition.

    Cancelling gives the stock back, and the money when a payment took some; as no step leads out of
    ``cancelled``, that happens once.
    """
    check_step(order.status, wanted, by_admin=principal.is_admin)
    if wanted is OrderStatus.CANCELLED:
        return await _cancel(connection, order, CancelReason.REQUESTED)
    return await enter_status(connection, order, wanted)


async def expire_order(connection: Connection, order_id: int) -> bool:
    """Cancel an order that is still pending and of which no payment runs; whether it was."""
    order = await orders.lock(connection, order_id)
    if order is None or order.status is not OrderStatus.PENDING or await payment_attempts.is_open(connection, order_id):
        return False
    await _cancel(connection, order, CancelReason.EXPIRED)
    return True


async def cancel_departed(connection: Connection, order: Order) -> Order | None:
    """Cancel a locked, pending order whose customer was deleted.

    None while a payment of it runs: then it is kept when that succeeds, and expires otherwise.
    """
    if await payment_attempts.is_open(connection, order.id):
        return None
    return await _cancel(connection, order, CancelReason.REQUESTED)


async def _cancel(connection: Connection, order: Order, reason: CancelReason) -> Order:
    order = await enter_status(connection, order, OrderStatus.CANCELLED, reason)
    await events.say_products(connection, await products.give_back(connection, order.id))
    if await payments.refund(connection, order.id) is not None:
        # The provider is not asked within a transaction that may still fail.
        await refund_payment.enqueue_refund(connection, order.id)
    return order


async def enter_status(
    connection: Connection, order: Order, status: OrderStatus, reason: CancelReason | None = None
) -> Order:
    """Write and announce the new status of a locked order; the step was checked."""
    order = await orders.set_status(connection, order, status)
    await events.say_order(connection, order, reason)
    return order
