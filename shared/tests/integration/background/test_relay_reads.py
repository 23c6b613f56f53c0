"""TRAPS.md, Postgres and outbox 1 and 4: no hole where a transaction commits late, and no rescan of what is over."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest_asyncio

from shared.messaging import Bus, Relay, relay_store
from shared.messaging.relay_floors import Floors
from shared.messaging.relay_store import SHARDS, prepare_session, read_waiting
from shared.postgres import Database
from shared.testing.waiting import eventually

from .shop import append, outbox_rows, place

EVERY = range(SHARDS)
FILL = """
    INSERT INTO outbox (message_id, exchange, routing_key, subject, content_type, body)
    SELECT gen_random_uuid(), '', 'q', 'orders/' || n % 5000, 'application/json', 'x' FROM generate_series(1, $1) AS n
"""


@pytest_asyncio.fixture
async def session(database: Database) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database.url)
    await prepare_session(connection)
    yield connection
    await connection.close()


class Reader:
    """Reads as the relay does, time being whatever the test says."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection
        self.floors = Floors()
        self.now = 1.0
        self.held: list[int] = []

    async def read(self, limit: int = 100) -> list[int]:
        self.now += 1
        await self.floors.settle(self.connection, self.now)
        rows = await read_waiting(self.connection, self.floors.of(EVERY), self.held, limit)
        self.floors.read(rows, limit)
        found = sorted(row.id for row in rows)
        self.held += found
        return found

    def lowest(self) -> int:
        return min(self.floors.of(EVERY).values())


async def test_1_the_floor_stays_below_a_transaction_that_has_drawn_its_id_and_passes_it_afterwards(
    database: Database, session: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    reader = Reader(session)
    assert await reader.read() == []
    async with database.transaction() as slow:
        await append(slow, 1, 1)
        await place(database, 2)
        await place(database, 3)
        assert await reader.read() == [2, 3]
        assert await reader.read() == []
        assert reader.lowest() <= 1
    assert await reader.read() == [1]
    await reader.read()
    assert reader.lowest() == 4


async def test_1_a_long_transaction_that_writes_no_event_holds_no_floor(
    database: Database, session: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    reader = Reader(session)
    async with database.transaction() as importing:
        await importing.execute("INSERT INTO effects (what) VALUES ('an import that takes minutes')")
        for number in range(5):
            await place(database, number)
        assert len(await reader.read()) == 5
        await reader.read()
        assert reader.lowest() == 6


async def test_1_a_full_read_leaves_the_floor_below_what_it_did_not_return(
    database: Database, session: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    reader = Reader(session)
    async with database.transaction() as connection:
        await connection.execute(FILL, 300)
    found: list[int] = []
    while page := await reader.read(limit=10):
        found += page
    assert sorted(found) == list(range(1, 301))


async def test_1_the_very_first_event_is_seen_by_a_relay_that_waited_for_it(database: Database, bus: Bus) -> None:
    relay = asyncio.create_task(Relay(database, bus).run())
    try:
        await eventually(lambda: _leads(database))
        await place(database, 1)
        await eventually(lambda: outbox_rows(database), 0)
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def _leads(database: Database) -> bool:
    # Its floors have been asked for: with an outbox that never had a row.
    async with database.acquire() as connection:
        return await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
            " AND query LIKE '%LATERAL%')"
        )


async def test_4_a_read_of_a_hundred_thousand_rows_touches_as_many_as_it_returns(
    database: Database, session: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with database.transaction() as connection:
        await connection.execute(FILL, 100_000)
    held = list(range(1, 2001))
    planned = await session.fetchval(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {relay_store._WAITING}",
        list(EVERY),
        [0] * SHARDS,
        held,
        62,
    )
    nodes = list(_nodes(json.loads(planned)[0]["Plan"]))
    assert not [node for node in nodes if node["Node Type"] in {"Seq Scan", "Sort", "Bitmap Heap Scan"}]
    touched = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes
        if node.get("Relation Name") == "outbox" and node["Alias"] == "waiting"
    )
    assert touched <= SHARDS * 62 + len(held) + SHARDS


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


async def test_4_what_is_published_is_read_over_no_more_although_vacuum_may_not_take_it(
    database: Database, session: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    reader = Reader(session)
    long = await asyncpg.connect(database.url)
    try:
        # Its snapshot keeps every deleted row alive for vacuum.
        await long.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await long.fetchval("SELECT count(*) FROM effects")
        async with database.transaction() as connection:
            await connection.execute(FILL, 2000)
        while await reader.read(limit=500):
            pass
        async with database.transaction() as connection:
            await connection.execute("DELETE FROM outbox")
        reader.held.clear()
        await reader.read()
        assert reader.lowest() == 2001
    finally:
        await long.close()
