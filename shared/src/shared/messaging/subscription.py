"""What a consumer hears: a queue of its own, the types of events, and what to do with one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from shared.messaging.event import Event
from shared.postgres import Connection

Handler: TypeAlias = Callable[[Connection, Event], Awaitable[None]]

DEFAULT_RETRY_DELAYS = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))

LONGEST_TIMEOUT = timedelta(minutes=10)
"""RabbitMQ closes the channel of a message that is not settled within 30 minutes (TRAPS.md, RabbitMQ 6)."""
MOST_PREFETCH = 2000


@dataclass(frozen=True)
class Subscription:
    """One consumer and purpose has one queue (TRAPS.md, RabbitMQ 10).

    ``handler`` runs in the transaction of the inbox: what it writes is committed exactly once. Others' events
    may share the transaction, and it may run again after a rollback. It must be right whatever the order in
    which the events of an aggregate come (docs/adr/0021). A failure is tried again after each of
    ``retry_delays``, then the message is parked; at once when the data are wrong (``retries.HOPELESS``).
    ``timeout`` bounds one run of the handler. ``prefetch`` is how many messages are in hand at most.
    """

    queue: str
    types: Sequence[str]
    handler: Handler
    retry_delays: Sequence[timedelta] = DEFAULT_RETRY_DELAYS
    timeout: timedelta = timedelta(seconds=30)
    prefetch: int = 200

    def __post_init__(self) -> None:
        """Refuse what the broker would refuse later."""
        if not self.types:
            raise ValueError(f"{self.queue} subscribes to nothing")
        if any(mark in event_type for event_type in self.types for mark in "*#"):
            raise ValueError(f"{self.queue}: types are exact, no patterns")
        if not timedelta() < self.timeout <= LONGEST_TIMEOUT:
            raise ValueError(f"{self.queue}: a handler has at most {LONGEST_TIMEOUT}; what takes longer is a job")
        if not 1 <= self.prefetch <= MOST_PREFETCH:
            raise ValueError(f"{self.queue}: prefetch is 1 to {MOST_PREFETCH}")
