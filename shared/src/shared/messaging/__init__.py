"""Events between services: outbox and relay, bus, subscriptions and inbox."""

from shared.messaging.bus import Bus
from shared.messaging.consumer import Consumer
from shared.messaging.event import Event, UndecodableEvent
from shared.messaging.outbox import append_event, append_events, events_write
from shared.messaging.relay import Relay
from shared.messaging.subscription import Handler, Subscription
from shared.messaging.wake import RelayWaker

__all__ = [
    "Bus",
    "Consumer",
    "Event",
    "Handler",
    "Relay",
    "RelayWaker",
    "Subscription",
    "UndecodableEvent",
    "append_event",
    "append_events",
    "events_write",
]
