"""TRAPS.md, Postgres and outbox."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from shared.messaging import Bus, Consumer, Relay, RelayWaker, Subscription, wake
from shared.messaging.metrics import OUTBOX_LAG, OUTBOX_ROWS, PUBLISH_FAILURES
from shared.postgres import Database
from shared.testing.waiting import PATIENCE_SECONDS, eventually

from .proxy import Proxy
from .shop import append, effects, outbox_rows, place, record

TYPES = ("orders.placed.v1",)


@pytest.mark.usefixtures("relay")
async def test_1_a_row_that_commits_late_is_not_skipped(
    database: Database, bus: Bus, background: Callable[..., object], queue: str
) -> None:
    consumer = Consumer(bus, database, Subscription(queue, TYPES, record))
    background(consumer.run())
    await eventually(lambda: consumer.subscribed)  # a transaction that waits for long is ended by Postgres

    async def seen() -> set[str]:
        return set(await effects(database))

    async with database.transaction() as slow:
        await append(slow, 1, 1)
        await place(database, 2)
        await place(database, 3)
        await eventually(seen, {"orders/2 1", "orders/3 1"})
    await eventually(seen, {"orders/1 1", "orders/2 1", "orders/3 1"})


@pytest.mark.usefixtures("relay")
async def test_1_a_long_transaction_elsewhere_does_not_hold_the_events_back(
    database: Database, bus: Bus, background: Callable[..., object], queue: str
) -> None:
    consumer = Consumer(bus, database, Subscription(queue, TYPES, record))
    background(consumer.run())
    await eventually(lambda: consumer.subscribed)
    async with database.transaction() as importing:
        await importing.execute("INSERT INTO effects (what) VALUES ('an import that takes minutes')")
        await place(database, 1)
        await eventually(lambda: effects(database), ["orders/1 1"])


async def test_1_an_aggregates_events_keep_commit_order_when_transaction_ids_have_the_opposite_order(
    database: Database, bus: Bus, background: Callable[..., object], queue: str
) -> None:
    async with database.transaction() as connection:
        await connection.execute("CREATE TABLE orders (id int PRIMARY KEY, version int NOT NULL)")
        await connection.execute("INSERT INTO orders VALUES (1, 1)")
    change = "UPDATE orders SET version = version + 1 WHERE id = 1 RETURNING version"
    async with database.transaction() as late:
        # This one has its transaction id first and the aggregate second.
        await late.execute("CREATE TABLE elsewhere ()")
        early_id: int = await late.fetchval("SELECT pg_current_xact_id()::text::bigint")
        async with database.transaction() as first:
            await append(first, 1, await first.fetchval(change))
            assert await first.fetchval("SELECT pg_current_xact_id()::text::bigint") > early_id
        await append(late, 1, await late.fetchval(change))
    background(Consumer(bus, database, Subscription(queue, TYPES, record)).run())
    background(Relay(database, bus).run())
    await eventually(lambda: effects(database), ["orders/1 2", "orders/1 3"])


async def test_1_many_writers_and_every_aggregate_in_order(
    database: Database, bus: Bus, background: Callable[..., object], queue: str
) -> None:
    async with database.transaction() as connection:
        await connection.execute("CREATE TABLE orders (id int PRIMARY KEY, version int NOT NULL)")
        await connection.execute("INSERT INTO orders SELECT n, 0 FROM generate_series(1, 4) AS n")
    background(Consumer(bus, database, Subscription(queue, TYPES, record, prefetch=50)).run())
    background(Relay(database, bus, batch=7).run())

    async def write(seed: int) -> None:
        for step in range(15):
            number = (seed * 7 + step * 3) % 4 + 1
            async with database.transaction() as connection:
                await connection.execute("SELECT pg_current_xact_id(), pg_sleep(0.002)")
                version = await connection.fetchval(
                    "UPDATE orders SET version = version + 1 WHERE id = $1 RETURNING version", number
                )
                await append(connection, number, version)

    await asyncio.gather(*(write(seed) for seed in range(6)))
    await eventually(lambda: outbox_rows(database), 0)
    await eventually(lambda: _count(database), 90)
    for number in range(1, 5):
        seen = [int(e.split()[1]) for e in await effects(database) if e.startswith(f"orders/{number} ")]
        assert seen == list(range(1, len(seen) + 1))


async def _count(database: Database) -> int:
    return len(await effects(database))


class Listener:
    """Hears the wake-ups; Postgres delivers them in order, so the mark comes after all before it."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._marks = 0
        self._heard = 0

    async def listen(self) -> None:
        schema = await self._connection.fetchval("SELECT current_schema()")
        await self._connection.add_listener(f"outbox_{schema}", self._hear)
        await self._connection.add_listener(f"mark_{schema}", self._mark)

    def _hear(self, *_: object) -> None:
        self._heard += 1

    def _mark(self, *_: object) -> None:
        self._marks += 1

    async def heard(self) -> int:
        marks = self._marks
        await self._connection.execute("SELECT pg_notify('mark_' || current_schema(), '')")
        await eventually(lambda: self._marks > marks)
        return self._heard


@pytest.fixture
async def listener(database: Database) -> AsyncIterator[Listener]:
    connection = await asyncpg.connect(database.url)
    held = Listener(connection)
    await held.listen()
    yield held
    await connection.close()


@pytest.fixture
def waker(database: Database, monkeypatch: pytest.MonkeyPatch) -> RelayWaker:
    """Is told of what is written, and asks only when the test lets it."""
    held = RelayWaker(database)
    monkeypatch.setattr(wake, "_wakers", {held})
    return held


async def test_2_wake_ups_come_once_for_many_and_after_the_commit(
    database: Database, waker: RelayWaker, listener: Listener
) -> None:
    async with database.transaction() as connection:
        await append(connection, 1, 1)
        await waker._settle()
        assert await listener.heard() == 0, "notified before the commit"
    assert await listener.heard() == 0, "the commit itself notified"
    await waker._settle()
    assert await listener.heard() == 1
    await asyncio.gather(*(place(database, number) for number in range(200)))
    await waker._settle()
    assert await listener.heard() == 2


async def test_2_a_rolled_back_transaction_wakes_nobody(
    database: Database, waker: RelayWaker, listener: Listener
) -> None:
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append(connection, 1, 1)
        await transaction.rollback()
    await waker._settle()
    assert await listener.heard() == 0
    assert not waker._pending


async def test_3_a_row_is_deleted_only_after_the_confirm(
    database: Database, proxied_bus: Bus, proxy: Proxy, background: Callable[..., object]
) -> None:
    background(Relay(database, proxied_bus).run())
    await place(database, 1)
    await eventually(lambda: outbox_rows(database), 0)
    unconfirmed = PUBLISH_FAILURES.labels("unconfirmed")
    before = unconfirmed._value.get()
    proxy.stall()
    await place(database, 2)
    await eventually(lambda: unconfirmed._value.get() > before)
    assert await outbox_rows(database) == 1
    proxy.resume()
    await eventually(lambda: outbox_rows(database), 0)


async def test_3_confirms_are_pipelined(
    database: Database, proxied_bus: Bus, proxy: Proxy, background: Callable[..., object]
) -> None:
    proxied_bus._publish_timeout = PATIENCE_SECONDS
    relay = Relay(database, proxied_bus)
    background(relay.run())
    await place(database, 0)
    await eventually(lambda: outbox_rows(database), 0)
    proxy.stall()
    async with database.transaction() as connection:
        for number in range(1000):
            await append(connection, number, 1)
    # Sent without a confirm of any of them.
    await eventually(lambda: relay._session is not None and len(relay._session.with_broker) > 100)
    proxy.resume()
    await eventually(lambda: outbox_rows(database), 0)


async def test_4_the_relay_is_watched(database: Database, proxied_bus: Bus, proxy: Proxy) -> None:
    proxy.stall()
    await place(database, 1)
    async with database.acquire() as connection:
        await connection.execute("UPDATE outbox SET created_at = created_at - interval '1 hour'")
    relay = asyncio.create_task(Relay(database, proxied_bus).run())
    try:
        await eventually(lambda: OUTBOX_ROWS._value.get() == 1 and OUTBOX_LAG._value.get() > 3600)
    finally:
        relay.cancel()
        proxy.resume()
        await asyncio.gather(relay, return_exceptions=True)
