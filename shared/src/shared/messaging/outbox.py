"""The outbox: a message is a row in the transaction of the change it tells of.

Order for one aggregate: append after the aggregate's row was changed in the same transaction, so that
the lock on that row puts the appends in the order of the commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from shared.messaging.event import CONTENT_TYPE, Event
from shared.messaging.topology import EVENTS
from shared.messaging.wake import wake_after_commit
from shared.postgres import Connection, Write
from shared.telemetry import current_traceparent

# One statement for any number of messages, in their order.
_INSERT = """
    INSERT INTO outbox (message_id, exchange, routing_key, subject, content_type, body, traceparent)
    SELECT message_id, exchange, routing_key, subject, content_type, body, traceparent
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[])
        WITH ORDINALITY
        AS messages (message_id, exchange, routing_key, subject, content_type, body, traceparent, place)
    ORDER BY place
"""
_INSERT_AND_TELL = f"{_INSERT} RETURNING pg_current_xact_id()::text"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """What is to be published; ``subject`` is the aggregate whose messages keep their order."""

    message_id: UUID
    exchange: str
    routing_key: str
    subject: str
    content_type: str
    body: bytes
    traceparent: str | None


async def append_event(
    connection: Connection,
    *,
    type: str,  # noqa: A002 - the CloudEvents name
    source: str,
    subject: str,
    data: dict[str, Any],
) -> Event:
    """Write an event to the outbox in the caller's transaction and return it.

    ``type`` is the routing key, such as ``orders.placed.v1``; ``source`` such as ``/services/orders``;
    ``subject`` the aggregate, such as ``orders/42``; ``data`` its state after the change.
    """
    event = Event.new(type=type, source=source, subject=subject, data=data, traceparent=current_traceparent())
    await append_events(connection, [event])
    return event


async def append_events(connection: Connection, events: Sequence[Event]) -> None:
    """Write events to the outbox in the caller's transaction, in one statement."""
    await append_messages(connection, _messages(events))


def events_write(events: Sequence[Event], transaction: int) -> Write:
    """The write of events for a statement that does more (``write_together``); at least one.

    ``transaction`` is the id of the one in which it is run at once: the relay is woken when that is committed.
    """
    wake_after_commit(transaction)
    return Write(_INSERT, _columns(_messages(events)))


def _messages(events: Sequence[Event]) -> list[OutboxMessage]:
    return [
        OutboxMessage(
            message_id=UUID(event.id),
            exchange=EVENTS,
            routing_key=event.type,
            subject=event.subject,
            content_type=CONTENT_TYPE,
            body=event.encode(),
            traceparent=event.traceparent,
        )
        for event in events
    ]


async def append_direct(connection: Connection, *, queue: str, subject: str, body: bytes) -> None:
    """Write a message for one queue to the outbox in the caller's transaction."""
    message = OutboxMessage(uuid4(), "", queue, subject, "application/json", body, current_traceparent())
    await append_messages(connection, [message])


async def append_messages(connection: Connection, messages: Sequence[OutboxMessage]) -> None:
    """Write the rows and have the relay woken once they are committed."""
    if not connection.is_in_transaction():
        raise RuntimeError("the outbox is written in the transaction of the change, and there is none")
    if not messages:
        return
    transaction: str = await connection.fetchval(_INSERT_AND_TELL, *_columns(messages))
    wake_after_commit(int(transaction))


def _columns(messages: Sequence[OutboxMessage]) -> tuple[list[Any], ...]:
    return (
        [message.message_id for message in messages],
        [message.exchange for message in messages],
        [message.routing_key for message in messages],
        [message.subject for message in messages],
        [message.content_type for message in messages],
        [message.body for message in messages],
        [message.traceparent for message in messages],
    )
