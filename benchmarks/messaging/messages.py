"""The messages that all candidates publish: events of orders, four of each order, far enough apart."""

from datetime import UTC, datetime
from uuid import UUID

from shared.messaging.event import CONTENT_TYPE, Event
from shared.messaging.outbox import OutboxMessage
from shared.messaging.topology import EVENTS

TYPES = ("orders.placed.v1", "orders.paid.v1", "orders.shipped.v1", "orders.delivered.v1")
_TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def order_events(count: int) -> list[OutboxMessage]:
    """``count`` messages in the order of their commits, about 700 bytes each."""
    orders = max(1, count // len(TYPES))
    return [_message(index % orders, index // orders % len(TYPES)) for index in range(count)]


def _message(order: int, step: int) -> OutboxMessage:
    data = {
        "id": order,
        "version": step + 1,
        "user_id": order % 977,
        "status": ("pending", "paid", "shipped", "delivered")[step],
        "currency": "EUR",
        "total": "59.97",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "items": [
            {"product_id": 7, "sku": "TEA-GREEN-100", "name": "Green tea", "quantity": 2, "unit_price": "9.99"},
            {"product_id": 11, "sku": "POT-CAST-IRON", "name": "Iron pot", "quantity": 1, "unit_price": "39.99"},
        ],
    }
    event = Event.new(
        type=TYPES[step],
        source="/services/orders",
        subject=f"orders/{order}",
        data=data,
        traceparent=_TRACEPARENT,
    )
    return OutboxMessage(
        UUID(event.id), EVENTS, event.type, event.subject, CONTENT_TYPE, event.encode(), event.traceparent
    )
