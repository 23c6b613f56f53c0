"""Exchanges and queues, declared by whoever needs them, each time, idempotently.

``events``                  topic exchange, routing key = type of the event
``events.log``              stream bound to all of it, kept seven days: what happened before a queue was there
``events.from.<service>``   topic exchange, bound to ``events``: what a service says comes in here
<queue>                     quorum queue of one subscription; what wears out its delivery limit goes to .parked
<queue>.parked              what could not be handled, for a person to look at (``python -m shared.parked``)
<service>.own               direct exchange to the service's queues by their names, the only way to them but ``events``
<service>.retries           headers exchange, to the delay queue that the header ``retry-after-ms`` names
<service>.retries.<ms>      a message of its subscriptions waits here for its next try, then returns to its queue

A queue's service is the first word of its name. No two services share anything but ``events`` and its log, and those
they may find made by an administrator who lets them do no more (docs/adr/0045): they are looked for before they are
declared. The default exchange is not used, for whoever may write there reaches every queue.

The log is why an event that nobody consumes yet is no loss and no error, and why services may start in
any order: a queue that is new is filled from it (backfill.py). So every publication can be mandatory.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq.exceptions import ChannelAccessRefused

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


def service_of(queue: str) -> str:
    """Whose queue it is."""
    return queue.partition(".")[0]


def entry_exchange(service: str) -> str:
    """Name of the exchange that a service's events come in by."""
    return f"{EVENTS}.from.{service}"


def own_exchange(queue: str) -> str:
    """Name of the exchange that leads to the queues of this one's service."""
    return f"{service_of(queue)}.own"


def retries_exchange(queue: str) -> str:
    """Name of the exchange to the delays of this queue's service."""
    return f"{service_of(queue)}.retries"


async def declare_events(bus: Bus, service: str) -> None:
    """Declare the exchange of events, the log bound to all of it, the service's way in and the way to its own queues.

    What is there is taken as it is; with an administrator's it has to be (docs/adr/0045).
    """
    if not await _exchange_exists(bus, EVENTS):
        await _declare_exchange(bus, EVENTS, ExchangeType.TOPIC)
    if not await queue_exists(bus, EVENTS_LOG):
        await _declare(bus, EVENTS_LOG, [_LOG_ARGUMENTS], [(EVENTS, "#", None)])
    await _declare_exchange(bus, own_exchange(service), ExchangeType.DIRECT)
    entry = entry_exchange(service)
    if not await _exchange_exists(bus, entry):
        await _declare_exchange(bus, entry, ExchangeType.TOPIC)
        await _bind_entry(bus, entry)


async def mend_entry(bus: Bus, service: str) -> None:
    """Bind the service's way in once more: an event that it took was led nowhere."""
    await declare_events(bus, service)
    # Where it is an administrator's the type is one that the service may not say; the relay goes on to tell of it.
    with contextlib.suppress(ChannelAccessRefused):
        await _bind_entry(bus, entry_exchange(service))


async def _bind_entry(bus: Bus, entry: str) -> None:
    channel = await bus.open_channel()
    try:
        events = await channel.get_exchange(EVENTS, ensure=False)
        await events.bind(entry, "#")
    finally:
        await _close(channel)


async def declare_delay(bus: Bus, queue: str, milliseconds: int) -> None:
    """Declare a delay of the queue's service: done when the first message needs it, and again if it vanished."""
    retries = retries_exchange(queue)
    await _declare_exchange(bus, own_exchange(queue), ExchangeType.DIRECT)
    await _declare_exchange(bus, retries, ExchangeType.HEADERS)
    match = {"x-match": "all", DELAY_HEADER: milliseconds}
    await _declare(bus, f"{retries}.{milliseconds}", [_delay_arguments(queue, milliseconds)], [(retries, "", match)])


async def _exchange_exists(bus: Bus, name: str) -> bool:
    channel = await bus.open_channel()
    try:
        await channel.declare_exchange(name, passive=True)
    except ChannelNotFoundEntity:
        return False
    await channel.close()
    return True


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
    await _declare_exchange(bus, retries_exchange(name), ExchangeType.HEADERS)
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": own_exchange(name),
        "x-dead-letter-routing-key": parked,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    is_new = not await queue_exists(bus, name)
    former = {**arguments, "x-dead-letter-exchange": ""}  # of releases before the services had users of their own
    await declare_queue(bus, name, arguments, bind=subscription.types, former=[former])
    return is_new


def _delay_arguments(queue: str, milliseconds: int) -> dict[str, Any]:
    # Without a routing key of its own the message keeps its one, the name of the queue it came from.
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": milliseconds,
        "x-dead-letter-exchange": own_exchange(queue),
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


async def declare_queue(
    bus: Bus,
    name: str,
    arguments: Mapping[str, Any],
    *,
    bind: Sequence[str] = (),
    former: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Declare a durable queue and bind it to its service's own exchange and to the events of these types.

    One that exists with other arguments is used as it is: a service whose arguments changed must not crash for ever
    at its start (TRAPS.md, RabbitMQ 3). Unless they are ``former`` ones, the log and a metric tell of it.
    """
    await _declare_exchange(bus, own_exchange(name), ExchangeType.DIRECT)
    bindings: list[tuple[str, str, Any]] = [(own_exchange(name), name, None), *((EVENTS, key, None) for key in bind)]
    await _declare(bus, name, [arguments, *former], bindings)


async def _declare(
    bus: Bus, name: str, known: Sequence[Mapping[str, Any]], bindings: Iterable[tuple[str, str, dict[str, Any] | None]]
) -> None:
    """Declare a queue by the first of these arguments that it can have; bind it by ``(exchange, key, arguments)``."""
    queue = await _declared(bus, name, known)
    try:
        for exchange, key, match in bindings:
            await queue.bind(exchange, key, arguments=match)
    finally:
        await _close(queue.channel)


async def _declared(bus: Bus, name: str, known: Sequence[Mapping[str, Any]]) -> AbstractQueue:
    refusal: Exception | None = None
    for arguments in known:
        channel = await bus.open_channel()
        try:
            return await channel.declare_queue(name, durable=True, arguments=dict(arguments))
        except ChannelPreconditionFailed as error:
            refusal = refusal or error
    assert refusal is not None  # noqa: S101 - each was refused
    _conflict(name, refusal)
    channel = await bus.open_channel()
    return await channel.declare_queue(name, passive=True)


async def _close(channel: AbstractChannel) -> None:
    """Close it, unless the broker did over a refusal."""
    if not channel.is_closed:
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
