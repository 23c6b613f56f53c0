"""What reports say to the others, and what they hear."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

from reports.domain.report import Report, ReportStatus
from reports.heard import HeardDeletedUser, HeardOrder, HeardProduct, HeardUser
from reports.store import seen_orders, seen_products, seen_users
from reports.store.seen_orders import SeenItem, SeenOrder
from reports.store.seen_products import SeenProduct
from shared.messaging import Event, Subscription, append_event
from shared.postgres import Connection

ForgetUser: TypeAlias = Callable[[Connection, int], Awaitable[None]]

_ORDERS = tuple(f"orders.{step}.v1" for step in ("placed", "paid", "shipped", "delivered", "cancelled"))


async def say_requested(connection: Connection, report: Report) -> None:
    """Say that somebody asked for a report."""
    await _append(connection, "reports.requested.v1", report)


async def say_ended(connection: Connection, report: Report) -> None:
    """Say that a report is finished, or that it will never be."""
    succeeded = report.status is ReportStatus.SUCCEEDED
    await _append(connection, "reports.finished.v1" if succeeded else "reports.failed.v1", report)


async def _append(connection: Connection, event_type: str, report: Report) -> None:
    data: dict[str, Any] = {
        "id": report.id,
        "user_id": report.user_id,
        "type": report.type.value,
        "format": report.format.value,
        "status": report.status.value,
        "error": report.error,
        "created_at": report.created_at,
        "finished_at": report.finished_at,
        "version": report.version,
    }
    await append_event(
        connection, type=event_type, source="/services/reports", subject=f"reports/{report.id}", data=data
    )


async def hear_order(connection: Connection, event: Event) -> None:
    """Take over an order's step. Raises ValidationError unless the data tell of the step that the type does."""
    order = HeardOrder.model_validate({**event.data, "step": event.type})
    await seen_orders.apply(
        connection,
        SeenOrder(
            id=order.id,
            user_id=order.user_id,
            status=order.status,
            total=order.total,
            currency=order.currency,
            placed_at=order.created_at,
            step_at=order.updated_at,
            version=order.version,
            items=[SeenItem(i.product_id, i.sku, i.name, i.quantity, i.unit_price) for i in order.items],
        ),
    )


async def hear_user(connection: Connection, event: Event) -> None:
    """Take over a user's name and role."""
    user = HeardUser.model_validate(event.data)
    registered_at: datetime = user.created_at
    await seen_users.apply(
        connection,
        user_id=user.id,
        name=user.name,
        role=user.role,
        disabled=not user.active,
        email=user.email,
        registered_at=registered_at,
        version=user.version,
    )


async def hear_deleted_user(forget: ForgetUser, connection: Connection, event: Event) -> None:
    """Forget the person, and the reports that only they could see."""
    user = HeardDeletedUser.model_validate(event.data)
    await seen_users.apply_deleted(connection, user_id=user.id, version=user.version)
    await forget(connection, user.id)


async def hear_product(connection: Connection, event: Event) -> None:
    """Take over a product's state."""
    product = HeardProduct.model_validate(event.data)
    await seen_products.apply(connection, SeenProduct(**product.model_dump()))


async def hear(forget: ForgetUser, connection: Connection, event: Event) -> None:
    """Pass an event on to who takes it over."""
    if event.type in _ORDERS:
        await hear_order(connection, event)
    elif event.type == "products.changed.v1":
        await hear_product(connection, event)
    elif event.type == "users.deleted.v1":
        await hear_deleted_user(forget, connection, event)
    else:
        await hear_user(connection, event)


def subscriptions(forget: ForgetUser) -> list[Subscription]:
    """One queue for the read model: it has one purpose, and versions make the order between types no matter.

    ``forget`` removes the reports of a user who is deleted.
    """
    types = (
        *_ORDERS,
        "users.registered.v1",
        "users.updated.v1",
        "users.deleted.v1",
        "products.changed.v1",
    )
    return [Subscription(queue="reports.read-model", types=types, handler=partial(hear, forget))]
