"""Gives a queue that is new the past of its types, from the broker's log of events.

Without it the order of the first start would decide what a consumer knows: an event published before
its queue was bound is nowhere else. The past is handled straight from the log, before the queue, so that
the order of each aggregate holds; what is in both is dropped by the inbox. Done once for each type of a
queue (table ``backfills``), and again when the queue had vanished from the broker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import aio_pika
import structlog
from aio_pika.abc import AbstractIncomingMessage
from opentelemetry import context, propagate, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind

from shared.messaging.bus import Bus
from shared.messaging.subscription import Subscription
from shared.messaging.topology import EVENTS_LOG, entry_exchange, service_of
from shared.postgres import Database

log = structlog.stdlib.get_logger(__name__)
tracer = trace.get_tracer(__name__)

_MARKER = "x-backfill-marker"
_MARKER_TYPE = "backfill-marker"
_PREFETCH = 200

_MISSING = """
    SELECT wanted.type FROM unnest($2::text[]) AS wanted (type)
    WHERE NOT EXISTS (SELECT FROM backfills WHERE queue = $1 AND backfills.type = wanted.type)
"""
_FILLED = """
    INSERT INTO backfills (queue, type) SELECT $1, unnest($2::text[])
    ON CONFLICT (queue, type) DO UPDATE SET filled_at = now()
"""

Handle = Callable[[AbstractIncomingMessage], Awaitable[object]]


async def backfill(bus: Bus, database: Database, subscription: Subscription, handle: Handle, *, is_new: bool) -> None:
    """Handle the past events of the types that are not filled yet; the queue must be bound already."""
    types = list(subscription.types)
    if not is_new:
        async with database.acquire() as connection:
            rows = await connection.fetch(_MISSING, subscription.queue, types)
        types = [row["type"] for row in rows]
    if not types:
        return
    handled = await _handle_log(bus, service_of(subscription.queue), types, handle)
    async with database.transaction() as connection:
        await connection.execute(_FILLED, subscription.queue, types)
    log.info("queue_backfilled", queue=subscription.queue, types=types, events=handled)


async def _handle_log(bus: Bus, service: str, types: Sequence[str], handle: Handle) -> int:
    """Handle the log up to a marker that is written now; returns how many events were of these types."""
    marker = str(uuid4())
    handled = 0
    one_at_a_time = asyncio.Lock()
    end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def lost(*_: Any) -> None:
        if not end.done():
            end.set_exception(ConnectionError("the channel closed during the backfill"))

    async def receive(message: AbstractIncomingMessage) -> None:
        nonlocal handled
        # The lock is fair: messages are handled in the order of the log.
        async with one_at_a_time:
            if end.done():
                return
            try:
                if message.headers.get(_MARKER) == marker:
                    end.set_result(None)
                elif message.routing_key in types:
                    await _handle_in_its_trace(message, handle)
                    handled += 1
                await message.ack()
            except Exception as error:  # noqa: BLE001 - whatever it is ends the backfill, and its caller hears it
                if not end.done():
                    end.set_exception(error)

    # The channel's reader inherits the suppression: no span for each message of others in the log.
    with suppress_instrumentation():
        channel = await bus.open_channel()
        try:
            channel.close_callbacks.add(lost)
            message = aio_pika.Message(b"", headers={_MARKER: marker})
            # By the way of all that the service says: it cannot write to the log itself. No queue is bound to the key.
            await bus.publish(message, exchange=entry_exchange(service), routing_key=f"{service}.{_MARKER_TYPE}")
            await channel.set_qos(prefetch_count=_PREFETCH)
            stream = await channel.get_queue(EVENTS_LOG, ensure=False)
            await stream.consume(receive, arguments={"x-stream-offset": "first"})
            await end
        finally:
            end.cancel()
            await channel.close()
    return handled


async def _handle_in_its_trace(message: AbstractIncomingMessage, handle: Handle) -> None:
    # A context of its own, without the suppression that the channel's reader handed down.
    token = context.attach(propagate.extract(message.headers, context=context.Context()))
    try:
        with tracer.start_as_current_span("events backfill", kind=SpanKind.CONSUMER):
            await handle(message)
    finally:
        context.detach(token)
