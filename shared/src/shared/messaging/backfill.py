"""Fills a queue that is new with the past of its types, from the broker's log of events.

Without it the order of the first start would decide what a consumer knows: an event published before
its queue was bound is nowhere else. What comes twice is dropped by the inbox. Done once for each type
of a queue (table ``backfills``), and again when the queue had vanished from the broker.
"""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import aio_pika
import structlog
from aio_pika.abc import AbstractIncomingMessage
from opentelemetry.instrumentation.utils import suppress_instrumentation

from shared.messaging.bus import Bus
from shared.messaging.retries import copy_message
from shared.messaging.subscription import Subscription
from shared.messaging.topology import EVENTS_LOG
from shared.postgres import Database

log = structlog.stdlib.get_logger(__name__)

_MARKER = "x-backfill-marker"
_SILENCE_SECONDS = 30.0
_PREFETCH = 200

_MISSING = """
    SELECT type FROM unnest($2::text[]) AS type
    WHERE NOT EXISTS (SELECT FROM backfills WHERE backfills.queue = $1 AND backfills.type = type.type)
"""
_FILLED = """
    INSERT INTO backfills (queue, type) SELECT $1, unnest($2::text[])
    ON CONFLICT (queue, type) DO UPDATE SET filled_at = now()
"""


async def backfill(bus: Bus, database: Database, subscription: Subscription, *, is_new: bool) -> int:
    """Copy the past events of types not filled yet into the queue; returns how many."""
    types = list(subscription.types)
    if not is_new:
        async with database.acquire() as connection:
            rows = await connection.fetch(_MISSING, subscription.queue, types)
        types = [row["type"] for row in rows]
    if not types:
        return 0
    copied = await _copy_from_log(bus, subscription.queue, types)
    async with database.transaction() as connection:
        await connection.execute(_FILLED, subscription.queue, types)
    log.info("queue_backfilled", queue=subscription.queue, types=types, events=copied)
    return copied


async def _copy_from_log(bus: Bus, queue: str, types: Sequence[str]) -> int:
    marker = str(uuid4())
    arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    channel = await bus.open_channel()
    copied = 0
    try:
        with suppress_instrumentation():
            await bus.publish(aio_pika.Message(b"", headers={_MARKER: marker}), exchange="", routing_key=EVENTS_LOG)
            await channel.set_qos(prefetch_count=_PREFETCH)
            stream = await channel.get_queue(EVENTS_LOG, ensure=False)
            await stream.consume(arrived.put, arguments={"x-stream-offset": "first"})
            while True:
                async with asyncio.timeout(_SILENCE_SECONDS):
                    message = await arrived.get()
                await message.ack()
                if message.headers.get(_MARKER) == marker:
                    return copied
                if message.routing_key in types:
                    # The original headers stay, so the consumer's span continues the original trace.
                    await bus.publish(copy_message(message, {}), exchange="", routing_key=queue)
                    copied += 1
    finally:
        await channel.close()
