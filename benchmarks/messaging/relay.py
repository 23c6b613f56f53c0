"""The relay beside bare publishers: the same messages to the same quorum queue, in rounds by turns.

Ours reads the rows of a filled outbox, publishes and deletes them; its time is from the commit of the rows
until the table is empty and the queue has every message. The peers read nothing and delete nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import aio_pika
import asyncpg

from benchmarks.gateway.figures import paired_ratio
from benchmarks.messaging import bare
from benchmarks.messaging.ground import Ground
from benchmarks.messaging.messages import TYPES, order_events
from shared.messaging import Relay
from shared.messaging.outbox import OutboxMessage, append_messages
from shared.messaging.topology import declare_events, declare_queue

_QUEUE = "bench.relay"
TARGETS = {"relay_vs_bare_publisher": 0.8, "relay_vs_one_by_one": 6.0}

Candidate = Callable[[Ground, Sequence[OutboxMessage]], Awaitable[float]]


async def drained(ground: Ground, messages: Sequence[OutboxMessage]) -> float:
    """Seconds that a running relay takes for a filled outbox."""
    async with ground.bus("bench-relay") as bus:
        relay = asyncio.create_task(Relay(ground.database, bus).run())
        connection = await asyncpg.connect(ground.database.url)
        try:
            await _publish_one(connection, messages[0])
            async with connection.transaction():
                await append_messages(connection, messages[1:])
            loop = asyncio.get_running_loop()
            started = loop.time()
            await connection.execute("SELECT pg_notify('outbox_' || current_schema(), '')")
            await _empty(connection)
            return loop.time() - started
        finally:
            relay.cancel()
            await asyncio.gather(relay, return_exceptions=True)
            await connection.close()


async def _publish_one(connection: "asyncpg.Connection[asyncpg.Record]", message: OutboxMessage) -> None:
    """So that the relay leads and is connected before its time begins."""
    async with connection.transaction():
        await append_messages(connection, [message])
    await _empty(connection)


async def _empty(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    while await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)"):  # noqa: ASYNC110 - Postgres tells nobody
        await asyncio.sleep(0.01)


@asynccontextmanager
async def fresh_queue(ground: Ground) -> AsyncIterator[None]:
    """An empty quorum queue that takes every message, beside the log of events that each service declares."""
    async with ground.bus("bench-queue") as bus:
        await declare_events(bus, "bench")
        await declare_queue(bus, _QUEUE, {"x-queue-type": "quorum"}, bind=TYPES)
        yield
        channel = await bus.open_channel()
        await channel.queue_delete(_QUEUE)


async def _count(ground: Ground) -> int:
    async with await aio_pika.connect(ground.amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(_QUEUE, passive=True)
        return queue.declaration_result.message_count or 0


async def _per_second(ground: Ground, candidate: Candidate, messages: Sequence[OutboxMessage]) -> float:
    async with fresh_queue(ground):
        seconds = await candidate(ground, messages)
        arrived = await _count(ground)
    if arrived != len(messages):
        raise RuntimeError(f"{arrived} of {len(messages)} messages are in the queue")
    return len(messages) / seconds


async def measure(ground: Ground, *, rounds: int, rows: int) -> dict[str, Any]:
    """Rates of each candidate a round, and the ratios of the rounds."""
    candidates: dict[str, tuple[Candidate, int]] = {
        "relay": (drained, rows),
        "bare": (bare.pipelined, rows),
        "one_by_one": (bare.one_by_one, max(200, rows // 10)),
    }
    rates: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, (candidate, count) in candidates.items():
            rates[name].append(await _per_second(ground, candidate, order_events(count)))
    return {
        "rounds": rounds,
        "rows": rows,
        "broker": ground.broker_version(),
        "messages_per_second": {name: round(median(found)) for name, found in rates.items()},
        "ratios_of_rounds": {
            name: _pair(rates["relay"], rates[peer], TARGETS[name])
            for name, peer in (("relay_vs_bare_publisher", "bare"), ("relay_vs_one_by_one", "one_by_one"))
        },
    }


def _pair(ours: list[float], theirs: list[float], target: float) -> dict[str, Any]:
    middle, rounds = paired_ratio(ours, theirs)
    return {"ratio": round(middle, 3), "target": target, "rounds": [round(each, 3) for each in rounds]}
