"""What of the events becomes messages to webhooks."""

from typing import Any

import orjson

from reports.domain.webhook import EVERYONES_EVENTS, PING, PRODUCTS_CHANGED
from reports.store import webhook_messages
from reports.store.webhook_messages import Message
from shared.messaging import Event, Subscription
from shared.postgres import Connection


def message_of(event: Event) -> Message:
    """The message that tells of an event, as Standard Webhooks has bodies: type, timestamp, data."""
    return Message(
        id=f"msg_{event.id}",
        type=event.type,
        about_user=_about(event),
        body=_body(event.type, event.time, event.data),
        traceparent=event.traceparent,
    )


def ping_of(event: Event) -> Message:
    """A message that only tries the way out."""
    return Message(f"msg_{event.id}", PING, None, _body(PING, event.time, event.data), event.traceparent)


def _about(event: Event) -> int | None:
    if event.type == PRODUCTS_CHANGED:
        return None
    return int(event.data["id" if event.type.startswith("users.") else "user_id"])


def _body(event_type: str, moment: Any, data: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": event_type, "timestamp": moment, "data": data}, option=orjson.OPT_UTC_Z)


async def hear(connection: Connection, event: Event) -> None:
    """Write the deliveries of an event, in the transaction that marks it as heard."""
    await webhook_messages.fan_out(connection, message_of(event))


def subscriptions() -> list[Subscription]:
    """Queues of their own: webhooks hold up no read model, and an import of products nobody's orders."""
    ordinary = [event for event in EVERYONES_EVENTS if event != PRODUCTS_CHANGED]
    return [
        Subscription(queue="reports.webhooks", types=ordinary, handler=hear),
        Subscription(queue="reports.webhooks-products", types=[PRODUCTS_CHANGED], handler=hear),
    ]
