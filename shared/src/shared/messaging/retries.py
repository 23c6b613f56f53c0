"""What becomes of a message whose handling failed: a delay queue, and at the end the parked queue.

Never ``nack`` with requeue, which loops for ever at full speed (TRAPS.md, RabbitMQ 5). The copy is
confirmed by the broker before the original is acknowledged, so that a crash between leaves two, which
the inbox makes one, and never none.
"""

import random
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from shared.messaging.bus import Bus
from shared.messaging.subscription import Subscription
from shared.messaging.topology import delay_queue, parked_queue

ATTEMPT = "x-attempt"
PARKED_REASON = "x-parked-reason"
PARKED_STACK = "x-parked-stack"
PARKED_AT = "x-parked-at"
ORIGIN_KEY = "x-origin-routing-key"

_STACK_CHARACTERS = 8000
_PARKED_HEADERS = (ATTEMPT, PARKED_REASON, PARKED_STACK, PARKED_AT)
_BROKER_HEADERS = ("x-death", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason")
_DELIVERY_COUNT = "x-delivery-count"


def attempts_made(message: AbstractIncomingMessage) -> int:
    """How often handling this message has failed before."""
    found = message.headers.get(ATTEMPT, 0)
    return found if isinstance(found, int) else 0


async def try_later_or_park(
    bus: Bus, subscription: Subscription, message: AbstractIncomingMessage, error: BaseException
) -> str:
    """Send the message to its next delay, or park it when it had them all; returns which.

    Raises PublishFailed when the broker did not confirm: then the original must not be acknowledged.
    """
    attempt = attempts_made(message)
    if attempt >= len(subscription.retry_delays):
        await park(bus, subscription.queue, message, error)
        return "parked"
    delay = subscription.retry_delays[attempt]
    # Up to a quarter earlier than the queue's own delay: jitter, so that failures do not come back as one.
    expiration = delay * random.uniform(0.75, 1.0)  # noqa: S311 - jitter is no secret
    copy = copy_message(message, {ATTEMPT: attempt + 1})
    copy.expiration = expiration
    await bus.publish(copy, exchange="", routing_key=delay_queue(subscription.queue, delay))
    return "retried"


async def park(bus: Bus, queue: str, message: AbstractIncomingMessage, error: BaseException) -> None:
    """Set the message aside with its reason. Raises PublishFailed when the broker did not confirm."""
    stack = "".join(traceback.format_exception(error))[-_STACK_CHARACTERS:]
    reason = f"{type(error).__name__}: {error}"[:1000]
    headers = {
        ATTEMPT: attempts_made(message) + 1,
        PARKED_REASON: reason,
        PARKED_STACK: stack,
        PARKED_AT: datetime.now(UTC).isoformat(timespec="seconds"),
    }
    await bus.publish(copy_message(message, headers), exchange="", routing_key=parked_queue(queue))


def copy_message(message: AbstractIncomingMessage, headers: Mapping[str, Any]) -> aio_pika.Message:
    """A copy with these headers on top.

    It has an AMQP message_id of its own: two in flight with the same one on a channel would resolve
    each other's confirm (TRAPS.md, RabbitMQ 2). The event's id is in the body.
    """
    kept = {name: value for name, value in message.headers.items() if name not in _BROKER_HEADERS}
    kept.pop(_DELIVERY_COUNT, None)
    kept.setdefault(ORIGIN_KEY, message.routing_key or "")
    return aio_pika.Message(
        message.body,
        headers={**kept, **headers},
        content_type=message.content_type,
        message_id=str(uuid4()),
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def fresh_copy(message: AbstractIncomingMessage) -> aio_pika.Message:
    """A copy that forgets its failures: for a replay by hand."""
    copy = copy_message(message, {})
    for name in _PARKED_HEADERS:
        copy.headers.pop(name, None)
    return copy
