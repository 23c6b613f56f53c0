"""The peers: loops over aio-pika alone, whose messages come from nowhere and are kept nowhere."""

import asyncio
from collections.abc import Sequence

import aio_pika

from benchmarks.messaging.ground import Ground
from shared.messaging.outbox import OutboxMessage
from shared.messaging.topology import EVENTS

BATCH = 500


def _made(message: OutboxMessage) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        headers={"traceparent": message.traceparent},
        content_type=message.content_type,
        message_id=str(message.message_id),
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


async def pipelined(ground: Ground, messages: Sequence[OutboxMessage]) -> float:
    """Seconds for all of them: batches of 500, all confirms of a batch awaited together."""
    return await _publish(ground, messages, BATCH)


async def one_by_one(ground: Ground, messages: Sequence[OutboxMessage]) -> float:
    """Seconds for all of them: each confirm awaited before the next."""
    return await _publish(ground, messages, 1)


async def _publish(ground: Ground, messages: Sequence[OutboxMessage], batch: int) -> float:
    async with await aio_pika.connect(ground.amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        loop = asyncio.get_running_loop()
        started = loop.time()
        for first in range(0, len(messages), batch):
            await asyncio.gather(
                *(
                    exchange.publish(_made(message), message.routing_key, mandatory=True)
                    for message in messages[first : first + batch]
                )
            )
        return loop.time() - started
