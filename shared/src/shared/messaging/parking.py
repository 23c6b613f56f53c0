"""What is parked: counted, looked at, put back or dropped."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.messaging.bus import Bus
from shared.messaging.event import Event, UndecodableEvent
from shared.messaging.metrics import PARKED
from shared.messaging.retries import PARKED_AT, PARKED_REASON, PARKED_STACK, attempts_made, fresh_copy
from shared.messaging.topology import own_exchange, parked_queue

REPLAYED_BY = "x-replayed-by"
_DELIVERY_LIMIT_REASON = "the process died with it at each delivery, or the queue's delivery limit was reached"


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """One message that was set aside, and how to settle it."""

    message: AbstractIncomingMessage

    @property
    def event_id(self) -> str:
        """The event's id; for a body that is no event the AMQP message_id."""
        try:
            return Event.decode(self.message.body).id
        except UndecodableEvent:
            return self.message.message_id or "-"

    @property
    def event_type(self) -> str:
        """The event's type, ``-`` for a body that is no event."""
        try:
            return Event.decode(self.message.body).type
        except UndecodableEvent:
            return "-"

    @property
    def subject(self) -> str:
        """The aggregate the event is of, ``-`` for a body that is no event."""
        try:
            return Event.decode(self.message.body).subject
        except UndecodableEvent:
            return "-"

    @property
    def reason(self) -> str:
        """Why it is here."""
        return str(self.message.headers.get(PARKED_REASON, _DELIVERY_LIMIT_REASON))

    @property
    def parked_at(self) -> str:
        """When, RFC 3339; ``-`` where the broker parked it."""
        return str(self.message.headers.get(PARKED_AT, "-"))

    @property
    def attempts(self) -> int:
        """How often it was tried."""
        return attempts_made(self.message)

    @property
    def stack(self) -> str:
        """The stack of the last failure."""
        return str(self.message.headers.get(PARKED_STACK, ""))


async def read_parked(bus: Bus, queue: str) -> AsyncGenerator[ParkedMessage]:
    """Yield each message parked now, once; what the caller does not settle stays parked."""
    channel = await bus.open_channel()
    try:
        parked = await channel.declare_queue(parked_queue(queue), passive=True)
        for _ in range(parked.declaration_result.message_count or 0):
            message = await parked.get(fail=False)
            if message is None:
                return
            yield ParkedMessage(message)
    finally:
        await channel.close()


async def replay(bus: Bus, queue: str, parked: ParkedMessage, *, by: str = "") -> None:
    """Put the message back into its queue with its failures forgotten, and who did so in its headers.

    Raises Unroutable when there is no such queue, PublishFailed when the broker does not confirm: it stays parked.
    """
    copy = fresh_copy(parked.message)
    if by:
        copy.headers[REPLAYED_BY] = by
    await bus.publish(copy, exchange=own_exchange(queue), routing_key=queue)
    await parked.message.ack()


async def drop(parked: ParkedMessage) -> None:
    """Delete the message for good."""
    await parked.message.ack()


async def observe_parked(bus: Bus, queues: Sequence[str]) -> None:
    """Set the gauge of what is parked, nothing while the broker is away."""
    if not bus.healthy():
        return
    for queue in queues:
        channel = await bus.open_channel()
        try:
            found = await channel.declare_queue(parked_queue(queue), passive=True)
            PARKED.labels(queue).set(found.declaration_result.message_count or 0)
        except ChannelNotFoundEntity:
            continue
        finally:
            await channel.close()
