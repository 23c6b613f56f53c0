"""Exchanges and queues, declared by whoever needs them, each time, idempotently.

``events``          topic exchange, routing key = type of the event
``events.log``      stream bound to all of it, kept seven days: what happened before a queue was there
<queue>             quorum queue of one subscription; what wears out its delivery limit goes to .parked
<queue>.delay.<ms>  a message waits here for its next try, then returns to <queue>
<queue>.parked      what could not be handled, for a person to look at (``python -m shared.parked``)

The log is why an event that nobody consumes yet is no loss and no error, and why services may start in
any order: a queue that is new is filled from it (backfill.py). So every publication can be mandatory.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from aio_pika import ExchangeType
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed

from shared.messaging.bus import Bus
from shared.messaging.metrics import TOPOLOGY_CONFLICTS
from shared.messaging.subscription import Subscription

log = structlog.stdlib.get_logger(__name__)

EVENTS = "events"
EVENTS_LOG = "events.log"

_LOG_ARGUMENTS: dict[str, Any] = {
    "x-queue-type": "stream",
    "x-max-age": "7D",
    "x-max-length-bytes": 2_000_000_000,
    "x-stream-max-segment-size-bytes": 50_000_000,
}
DELIVERY_LIMIT = 20


def delay_queue(queue: str, delay: timedelta) -> str:
    """Name of the queue in which a message waits; a new delay is a new queue, never a changed one."""
    return f"{queue}.delay.{int(delay.total_seconds() * 1000)}"


def parked_queue(queue: str) -> str:
    """Name of the queue of what could not be handled."""
    return f"{queue}.parked"


async def declare_events(bus: Bus) -> None:
    """Declare the exchange of events and the log bound to all of it."""
    channel = await bus.open_channel()
    try:
        await channel.declare_exchange(EVENTS, ExchangeType.TOPIC, durable=True)
    except ChannelPreconditionFailed as error:
        _conflict(EVENTS, error)
    finally:
        await channel.close()
    await declare_queue(bus, EVENTS_LOG, _LOG_ARGUMENTS, bind=("#",))


async def declare_subscription(bus: Bus, subscription: Subscription) -> bool:
    """Declare all queues of a subscription; tells whether its queue is new."""
    name, parked = subscription.queue, parked_queue(subscription.queue)
    await declare_queue(bus, parked, {"x-queue-type": "quorum"})
    for delay in subscription.retry_delays:
        await declare_queue(bus, delay_queue(name, delay), _delay_arguments(name, delay))
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": parked,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    is_new = not await queue_exists(bus, name)
    await declare_queue(bus, name, arguments, bind=subscription.types)
    return is_new


def _delay_arguments(queue: str, delay: timedelta) -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": int(delay.total_seconds() * 1000),
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


async def declare_queue(bus: Bus, name: str, arguments: Mapping[str, Any], *, bind: Sequence[str] = ()) -> None:
    """Declare a durable queue and bind it to the events.

    One that exists with other arguments is used as it is, said in the log and in a metric: a service
    whose arguments changed must not crash for ever at its start (TRAPS.md, RabbitMQ 3).
    """
    channel = await bus.open_channel()
    try:
        queue = await channel.declare_queue(name, durable=True, arguments=dict(arguments))
    except ChannelPreconditionFailed as error:
        _conflict(name, error)
        channel = await bus.open_channel()
        queue = await channel.declare_queue(name, passive=True)
    try:
        for routing_key in bind:
            await queue.bind(EVENTS, routing_key)
    finally:
        await channel.close()


async def queue_exists(bus: Bus, name: str) -> bool:
    """Whether the broker has this queue."""
    channel = await bus.open_channel()
    try:
        await channel.declare_queue(name, passive=True)
    except ChannelNotFoundEntity:
        return False
    await channel.close()
    return True


def _conflict(name: str, error: Exception) -> None:
    TOPOLOGY_CONFLICTS.labels(name).inc()
    log.error("topology_conflict", name=name, error=str(error), consequence="used as it is")
