"""What a consumer hears: a queue of its own, the types of events, and what to do with one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from shared.messaging.event import Event
from shared.postgres import Connection

Handler: TypeAlias = Callable[[Connection, Event], Awaitable[None]]

DEFAULT_RETRY_DELAYS = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))


@dataclass(frozen=True)
class Subscription:
    """One consumer and purpose has one queue (TRAPS.md, RabbitMQ 10).

    ``handler`` runs in the transaction of the inbox: what it writes is committed exactly once.
    A failure is tried again after each of ``retry_delays``, then the message is parked. ``timeout``
    bounds one run of the handler. ``prefetch`` is 1 so that a message that kills the process does not
    wear out its neighbours' delivery limit (TRAPS.md, RabbitMQ 5).
    """

    queue: str
    types: Sequence[str]
    handler: Handler
    retry_delays: Sequence[timedelta] = DEFAULT_RETRY_DELAYS
    timeout: timedelta = timedelta(seconds=30)
    prefetch: int = 1

    def __post_init__(self) -> None:
        """Refuse what the broker would refuse later."""
        if not self.types:
            raise ValueError(f"{self.queue} subscribes to nothing")
        if any(mark in event_type for event_type in self.types for mark in "*#"):
            raise ValueError(f"{self.queue}: types are exact, no patterns")
