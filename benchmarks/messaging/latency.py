"""How long an event takes from its producer to the commit of its effect, at half of what the path can do.

The peak is measured first: a filled outbox, one relay, one consumer whose handler writes a row. Then single events
are committed at half that rate, whatever the path does; an effect counts from the moment another connection sees it,
so its commit is part of the time, and the time begins before the producer's own commit.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import asyncpg

from benchmarks.gateway.figures import percentile
from benchmarks.messaging.ground import Ground
from benchmarks.messaging.messages import TYPES, order_events
from shared.messaging import Consumer, Event, Relay, RelayWaker, Subscription
from shared.messaging.outbox import append_messages
from shared.postgres import Connection, Database

TARGET_MS = 250.0
_LOOK_SECONDS = 0.005
_TABLE = "CREATE UNLOGGED TABLE IF NOT EXISTS bench_effects (event_id text NOT NULL)"


async def _record(connection: Connection, event: Event) -> None:
    await connection.execute("INSERT INTO bench_effects (event_id) VALUES ($1)", event.id)


@asynccontextmanager
async def _path(ground: Ground) -> AsyncIterator[None]:
    """One relay and one consumer, subscribed."""
    async with ground.bus("bench-worker") as bus, RelayWaker(ground.database).running():
        consumer = Consumer(bus, ground.database, Subscription("bench.latency", TYPES, _record))
        tasks = [asyncio.create_task(consumer.run()), asyncio.create_task(Relay(ground.database, bus).run())]
        try:
            while not consumer.subscribed:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Watch:
    """Sees effects once they are committed."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self.seen: dict[str, float] = {}

    async def until(self, count: int) -> None:
        """Look until so many effects were seen. Raises TimeoutError after a minute."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(60):
            while len(self.seen) < count:
                rows = await self._connection.fetch("DELETE FROM bench_effects RETURNING event_id")
                now = loop.time()
                self.seen |= {row["event_id"]: now for row in rows}
                await asyncio.sleep(_LOOK_SECONDS)


async def _peak(ground: Ground, connection: "asyncpg.Connection[asyncpg.Record]", events: int) -> float:
    """Events a second from a filled outbox to committed effects."""
    watch = Watch(connection)
    messages = order_events(events)
    async with ground.database.transaction() as writing:
        await append_messages(writing, messages[:1])
    await watch.until(1)
    started = asyncio.get_running_loop().time()
    async with ground.database.transaction() as writing:
        await append_messages(writing, messages[1:])
    await watch.until(events)
    return events / (asyncio.get_running_loop().time() - started)


async def _commit(database: Database, event_message: Any, begun: dict[str, float]) -> None:
    begun[str(event_message.message_id)] = asyncio.get_running_loop().time()
    async with database.transaction() as connection:
        await append_messages(connection, [event_message])


async def _latencies(
    ground: Ground, connection: "asyncpg.Connection[asyncpg.Record]", rate: float, seconds: float
) -> list[float]:
    """Seconds of each event at this rate."""
    messages, begun, loop = order_events(max(1, int(rate * seconds))), dict[str, float](), asyncio.get_running_loop()
    watch = Watch(connection)
    watching = asyncio.create_task(watch.until(len(messages)))
    started = loop.time()
    async with asyncio.TaskGroup() as group:
        for index, message in enumerate(messages):
            await asyncio.sleep(started + index / rate - loop.time())
            group.create_task(_commit(ground.database, message, begun))
    await watching
    return [watch.seen[event_id] - since for event_id, since in begun.items()]


async def measure(ground: Ground, *, rounds: int, seconds: float = 5.0, events: int = 3000) -> dict[str, Any]:
    """Peak, rate, and the percentiles of the median round in milliseconds."""
    connection = await asyncpg.connect(ground.database.url)
    await connection.execute(_TABLE)
    found: list[dict[str, float]] = []
    try:
        async with _path(ground):
            for _ in range(rounds):
                peak = await _peak(ground, connection, events)
                taken = [1000 * each for each in await _latencies(ground, connection, peak / 2, seconds)]
                found.append({"peak": peak, "p50_ms": percentile(taken, 0.5), "p99_ms": percentile(taken, 0.99)})
    finally:
        await connection.close()
    return {
        "rounds": rounds,
        "seconds": seconds,
        "target_p99_ms": TARGET_MS,
        "events_per_second": {name: round(median(each["peak"] for each in found) / part) for name, part in _RATES},
        "p50_ms": round(median(each["p50_ms"] for each in found), 1),
        "p99_ms": round(median(each["p99_ms"] for each in found), 1),
        "p99_ms_of_rounds": [round(each["p99_ms"], 1) for each in found],
    }


_RATES = (("peak", 1), ("offered", 2))
