"""What becomes of a message whose handling failed: a delay queue, and at the end the parked queue.

Never ``nack`` with requeue, which loops for ever at full speed (TRAPS.md, RabbitMQ 5). The copy is
confirmed by the broker before the original is acknowledged, so that a crash between leaves two, which
the inbox makes one, and never none.
"""

import asyncio
import random
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aio_pika
import asyncpg
import structlog
from aio_pika.abc import AbstractIncomingMessage
from pydantic import ValidationError

from shared.messaging.backoff import Backoff
from shared.messaging.bus import Bus, PublishFailed, Refused, Unroutable
from shared.messaging.subscription import Subscription
from shared.messaging.topology import (
    DELAY_HEADER,
    POISON_DELIVERIES,
    declare_delay,
    jittered_delays,
    own_exchange,
    parked_queue,
    retries_exchange,
)

log = structlog.stdlib.get_logger(__name__)

ATTEMPT = "x-attempt"
PARKED_REASON = "x-parked-reason"
PARKED_STACK = "x-parked-stack"
PARKED_AT = "x-parked-at"
ORIGIN_KEY = "x-origin-routing-key"

HOPELESS = (ValidationError, asyncpg.DataError)
"""What a handler raises about the data itself: it is parked at once, for no retry makes it another."""

_STACK_CHARACTERS = 8000
_BLOCKED_TRIES = 5
_PARKED_HEADERS = (ATTEMPT, PARKED_REASON, PARKED_STACK, PARKED_AT, DELAY_HEADER)
_BROKER_HEADERS = ("x-death", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason")
_DELIVERY_COUNT = "x-delivery-count"


class PoisonMessage(Exception):  # noqa: N818 - the name says what it is
    """The message came back from every hand it was in: it kills its process, or closes its channel."""

    def __init__(self, losses: int) -> None:
        super().__init__(f"{losses} times the process died, or lost its channel, with it in hand")


def attempts_made(message: AbstractIncomingMessage) -> int:
    """How often handling this message has failed before."""
    found = message.headers.get(ATTEMPT, 0)
    return max(0, found) if isinstance(found, int) else 0


def refuse_poison(message: AbstractIncomingMessage) -> None:
    """Raise PoisonMessage for a message that was lost too often to be tried once more."""
    losses = message.headers.get(_DELIVERY_COUNT, 0)
    if isinstance(losses, int) and losses >= POISON_DELIVERIES:
        raise PoisonMessage(losses)


async def try_later_or_park(
    bus: Bus, subscription: Subscription, message: AbstractIncomingMessage, error: BaseException
) -> str:
    """Send the message to its next delay, or park it when it had them all or none can help; returns which.

    Raises PublishFailed when the broker did not confirm: then the original must not be acknowledged.
    """
    attempt = attempts_made(message)
    if attempt >= len(subscription.retry_delays) or isinstance(error, HOPELESS):
        await park(bus, subscription.queue, message, error)
        return "parked"
    delay = random.choice(jittered_delays(subscription.retry_delays[attempt]))  # noqa: S311 - jitter is no secret
    copy = copy_message(message, {ATTEMPT: attempt + 1, DELAY_HEADER: delay})
    retries = retries_exchange(subscription.queue)
    try:
        await _publish(bus, copy, exchange=retries, routing_key=subscription.queue)
    except Unroutable:
        await declare_delay(bus, subscription.queue, delay)
        await _publish(bus, copy, exchange=retries, routing_key=subscription.queue)
    return "retried"


async def _publish(bus: Bus, message: aio_pika.Message, *, exchange: str, routing_key: str) -> None:
    """Publish, and again while the broker blocks or the line is gone: giving up charges the message a delivery."""
    backoff = Backoff(first=0.2, most=5.0)
    for left in reversed(range(_BLOCKED_TRIES)):
        try:
            return await bus.publish(message, exchange=exchange, routing_key=routing_key)
        except PublishFailed as error:
            if not left or isinstance(error, Refused | Unroutable) or not bus.healthy():
                raise
            log.warning("copy_not_confirmed", routing_key=routing_key, error=str(error))
            await asyncio.sleep(backoff.next())
    return None


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
    await _publish(bus, copy_message(message, headers), exchange=own_exchange(queue), routing_key=parked_queue(queue))


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
