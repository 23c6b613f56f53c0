"""Exchanges and queues, declared by whoever needs them, each time, idempotently.

``events``          topic exchange, routing key = type of the event
``events.log``      stream bound to all of it, kept seven days: what happened before a queue was there
<queue>             quorum queue of one subscription; what wears out its delivery limit goes to .parked
retries             headers exchange, to the delay queue that the header ``retry-after-ms`` names
retries.<ms>        a message of any subscription waits here for its next try, then returns to its queue
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
RETRIES = "retries"
DELAY_HEADER = "retry-after-ms"
DELIVERY_LIMIT = 20
"""Deliveries after which the broker parks by itself: the net below ``POISON_DELIVERIES``."""
POISON_DELIVERIES = 10
"""Deliveries after which a consumer parks a message without another try, with the reason."""

# Looking at what is parked is a delivery: with the default limit of RabbitMQ 4 the twentieth look would drop it.
# No number means no limit in every version: -1 is "none" in RabbitMQ 4, and "not one" in 3.10.
_LOOKS = 1_000_000_000
_JITTER = (0.76, 0.84, 0.92, 1.0)


def jittered_delays(delay: timedelta) -> list[int]:
    """Milliseconds to choose from, up to a quarter less than the delay.

    Each is a queue of its own. A time of its own on each message would not spread them: only the head of a
    queue expires, so that in a burst the longest of the first few would hold back all that follow.
    """
    return [max(1, int(delay.total_seconds() * 1000 * share)) for share in _JITTER]


def parked_queue(queue: str) -> str:
    """Name of the queue of what could not be handled."""
    return f"{queue}.parked"


async def declare_events(bus: Bus) -> None:
    """Declare the exchange of events and the log bound to all of it."""
    await _declare_exchange(bus, EVENTS, ExchangeType.TOPIC)
    await declare_queue(bus, EVENTS_LOG, _LOG_ARGUMENTS, bind=("#",))


async def declare_delay(bus: Bus, milliseconds: int) -> None:
    """Declare the queue of a delay, which is done when the first message needs it, and again if it vanished."""
    name = f"{RETRIES}.{milliseconds}"
    await declare_queue(bus, name, _delay_arguments(milliseconds))
    channel = await bus.open_channel()
    try:
        queue = await channel.get_queue(name, ensure=False)
        await queue.bind(RETRIES, arguments={"x-match": "all", DELAY_HEADER: milliseconds})
    finally:
        await channel.close()


async def _declare_exchange(bus: Bus, name: str, kind: ExchangeType) -> None:
    channel = await bus.open_channel()
    try:
        await channel.declare_exchange(name, kind, durable=True)
    except ChannelPreconditionFailed as error:
        _conflict(name, error)
    finally:
        await channel.close()


async def declare_subscription(bus: Bus, subscription: Subscription) -> bool:
    """Declare all queues of a subscription; tells whether its queue is new."""
    name, parked = subscription.queue, parked_queue(subscription.queue)
    await declare_queue(bus, parked, {"x-queue-type": "quorum", "x-delivery-limit": _LOOKS})
    await _declare_exchange(bus, RETRIES, ExchangeType.HEADERS)
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


def _delay_arguments(milliseconds: int) -> dict[str, Any]:
    # Without a routing key of its own the message keeps its one, the name of the queue it came from.
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": milliseconds,
        "x-dead-letter-exchange": "",
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
