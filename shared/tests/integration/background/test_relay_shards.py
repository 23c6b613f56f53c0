"""TRAPS.md, Postgres and outbox 4: several relays share the work, and what one leaves another takes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest_asyncio

from shared.messaging import Bus, Consumer, Relay, Subscription
from shared.messaging.relay_store import SHARDS
from shared.postgres import Database
from shared.testing.waiting import eventually

from .shop import append, effects, outbox_rows, place, record

TYPES = ("orders.placed.v1",)
_LOCKS = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid IN (SELECT pid FROM pg_stat_activity WHERE usename = current_user)
"""


@pytest_asyncio.fixture
async def relays(database: Database, bus: Bus) -> AsyncIterator[Callable[[], "asyncio.Task[None]"]]:
    running: list[asyncio.Task[None]] = []

    def start() -> "asyncio.Task[None]":
        running.append(asyncio.create_task(Relay(database, bus, batch=20).run()))
        return running[-1]

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def led(database: Database) -> list[int]:
    """How many shards each relay leads."""
    return sorted(Counter(await leaders(database)).values())


async def leaders(database: Database) -> list[int]:
    async with database.acquire() as connection:
        return [row["pid"] for row in await connection.fetch(_LOCKS)]


async def test_4_the_shards_are_spread_and_what_dies_is_taken_over(
    database: Database, relays: Callable[[], "asyncio.Task[None]"]
) -> None:
    relays()
    await eventually(lambda: led(database), [SHARDS])
    second = relays()
    await eventually(lambda: led(database), [4, 4])
    relays()
    await eventually(lambda: led(database), [2, 3, 3])
    async with database.transaction() as connection:
        for number in range(60):
            await append(connection, number, 1)
    await eventually(lambda: outbox_rows(database), 0)
    second.cancel()
    await eventually(lambda: led(database), [4, 4])


async def test_4_a_relay_that_is_cut_from_postgres_loses_its_shards_and_takes_part_again(
    database: Database, relays: Callable[[], "asyncio.Task[None]"]
) -> None:
    relays()
    [first] = set(await eventually(lambda: leaders(database)))
    async with database.acquire() as connection:
        await connection.execute("SELECT pg_terminate_backend($1)", first)
    await place(database, 1)
    await eventually(lambda: outbox_rows(database), 0)
    assert first not in await leaders(database)


async def test_4_aggregates_keep_their_order_while_shards_move(
    database: Database, bus: Bus, background: Callable[..., object], relays: Callable[[], "asyncio.Task[None]"]
) -> None:
    background(Consumer(bus, database, Subscription("moved", TYPES, record)).run())
    relays()
    for version in range(1, 13):
        async with database.transaction() as connection:
            for number in range(8):
                await append(connection, number, version)
        if version == 4:
            leaving = relays()
            await eventually(lambda: led(database), [4, 4])
        if version == 8:
            leaving.cancel()
    await eventually(lambda: _count(database), 96)
    found = await effects(database)
    for number in range(8):
        seen = [effect for effect in found if effect.startswith(f"orders/{number} ")]
        assert seen == [f"orders/{number} {version}" for version in range(1, 13)]


async def test_5_the_release_before_shards_and_this_one_never_publish_at_the_same_time(
    database: Database, relays: Callable[[], "asyncio.Task[None]"]
) -> None:
    lead_of_old = "SELECT pg_try_advisory_lock(hashtextextended('outbox:' || current_schema(), 0))"
    old = await asyncpg.connect(database.url)
    try:
        assert await old.fetchval(lead_of_old)
        relays()
        await place(database, 1)
        # It looks each second; and it has looked when its own connection has asked for the lock.
        await eventually(lambda: _asked_to_join(database))
        assert await outbox_rows(database) == 1
        await old.execute("SELECT pg_advisory_unlock_all()")
        await eventually(lambda: outbox_rows(database), 0)
        assert not await old.fetchval(lead_of_old)
    finally:
        await old.close()


async def _asked_to_join(database: Database) -> bool:
    async with database.acquire() as connection:
        return await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock_shared%'"
            " AND pid <> pg_backend_pid() AND usename = current_user)"
        )


async def _count(database: Database) -> int:
    return len(await effects(database))
