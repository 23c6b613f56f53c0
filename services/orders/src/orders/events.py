"""What the service says, in the transaction of the change, and what it hears.

Products are announced after every change, one of their stock by an order too, so that a consumer's
version of a product is the newest there is.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from orders.domain.orders import CancelReason, Order, OrderStatus
from orders.domain.products import Product
from orders.jobs.departure import ask_to_forget
from orders.store import customers
from shared.messaging import Event, Subscription, append_event, append_events
from shared.postgres import Connection
from shared.telemetry import current_traceparent
from shared.web.fields import BIGINT_MAX

SOURCE = "/services/orders"

ORDER_EVENTS = {
    OrderStatus.PENDING: "orders.placed.v1",
    OrderStatus.PAID: "orders.paid.v1",
    OrderStatus.SHIPPED: "orders.shipped.v1",
    OrderStatus.DELIVERED: "orders.delivered.v1",
    OrderStatus.CANCELLED: "orders.cancelled.v1",
}
"""The event that an order is in a status now."""

PRODUCT_CHANGED = "products.changed.v1"
USER_DELETED = "users.deleted.v1"


async def say_order(connection: Connection, order: Order, reason: CancelReason | None = None) -> None:
    """Tell that an order came to its status, and of one that was cancelled why."""
    await append_event(
        connection,
        type=ORDER_EVENTS[order.status],
        source=SOURCE,
        subject=f"orders/{order.id}",
        data=order_data(order) | ({"reason": reason.value} if reason is not None else {}),
    )


def of_placed(order: Order, products: Iterable[Product]) -> list[Event]:
    """What is to be told of a new order, and of the products that it took from."""
    placed = Event.new(
        type=ORDER_EVENTS[order.status],
        source=SOURCE,
        subject=f"orders/{order.id}",
        data=order_data(order),
        traceparent=current_traceparent(),
    )
    return [placed, *_product_events(products)]


async def say_products(connection: Connection, products: Iterable[Product]) -> None:
    """Tell that products, or their stock, changed or were deleted; one statement for all."""
    await append_events(connection, _product_events(products))


def _product_events(products: Iterable[Product]) -> list[Event]:
    traceparent = current_traceparent()
    return [
        Event.new(
            type=PRODUCT_CHANGED,
            source=SOURCE,
            subject=f"products/{product.id}",
            data=product_data(product),
            traceparent=traceparent,
        )
        for product in products
    ]


def order_data(order: Order) -> dict[str, Any]:
    """The ``data`` of an order's event."""
    return {
        "id": order.id,
        "user_id": order.user_id,
        "status": order.status.value,
        "items": [
            {
                "product_id": item.product_id,
                "sku": item.sku,
                "name": item.name,
                "quantity": item.quantity,
                "unit_price": item.unit_price,
            }
            for item in order.items
        ],
        "total": order.total,
        "currency": order.currency,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "version": order.version,
    }


def product_data(product: Product) -> dict[str, Any]:
    """The ``data`` of a product's event."""
    return {
        "id": product.id,
        "sku": product.sku,
        "name": product.name,
        "price": product.price,
        "currency": product.currency,
        "stock": product.stock,
        "deleted": product.deleted,
        "version": product.version,
    }


class UserChanged(BaseModel):
    """What we take of a ``users.*`` event; the rest of it is not kept."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: int = Field(ge=1, le=BIGINT_MAX)
    version: int = Field(ge=1, le=2**31 - 1)


async def hear_user(connection: Connection, event: Event) -> None:
    """Know that a user is there, or gone. Raises ValidationError on data that breaks its schema."""
    user = UserChanged.model_validate(event.data)
    await customers.apply(connection, user.id, version=user.version, deleted=event.type == USER_DELETED)
    if event.type == USER_DELETED:
        await ask_to_forget(connection, user.id)


SUBSCRIPTIONS = (
    Subscription(
        queue="orders.customers",
        types=("users.registered.v1", "users.updated.v1", USER_DELETED),
        handler=hear_user,
    ),
)
