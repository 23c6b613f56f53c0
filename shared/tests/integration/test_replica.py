"""Reads on a real streaming replica: its own while it is young enough, else the primary's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from shared.postgres import Database, Replica
from shared.settings import PostgresSettings, ReplicaSettings
from shared.testing.ports import free_port
from shared.testing.replica import StreamingReplica, programs, streaming_replica
from shared.testing.servers import Servers, at_database
from shared.testing.waiting import eventually

pytestmark = pytest.mark.skipif(programs() is None, reason="pg_basebackup, which makes a replica, is not here")

_SHOWN = "SELECT pg_is_in_recovery() AS replica, (SELECT max(n) FROM seen) AS n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def streaming(servers: Servers) -> AsyncIterator[StreamingReplica]:
    async with streaming_replica(servers) as replica:
        yield replica


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def primary(admin_database_url: str) -> AsyncIterator[Database]:
    database = Database(PostgresSettings.model_validate({"url": admin_database_url}), application_name="replica-test")
    await database.open()
    async with database.acquire() as connection:
        await connection.execute("CREATE TABLE seen (n bigint)")
    yield database
    await database.close()


@asynccontextmanager
async def reading(primary: Database, url: str, lag_seconds: float) -> AsyncIterator[Replica]:
    postgres = PostgresSettings.model_validate({"url": primary.url})
    settings = ReplicaSettings.model_validate({"url": url}).model_copy(update={"lag_seconds": lag_seconds})
    replica = Replica(primary, postgres, settings, application_name="replica-test")
    async with replica.running():
        yield replica


async def shown(replica: Replica) -> tuple[Any, ...]:
    """Whether the replica answered, and what the newest row was."""
    async with replica.reading() as connection:
        return tuple(await connection.fetchrow(_SHOWN) or ())


async def write(primary: Database, n: int) -> None:
    async with primary.transaction() as connection:
        await connection.execute("INSERT INTO seen VALUES ($1)", n)


async def test_a_stale_read_is_shown_within_the_bound_and_the_primary_s_beyond_it(
    streaming: StreamingReplica, primary: Database
):
    await write(primary, 1)
    async with (
        reading(primary, streaming.at(primary.url), 1e6) as patient,
        reading(primary, streaming.at(primary.url), 1) as strict,
    ):
        await eventually(lambda: shown(patient), (True, 1))
        await eventually(lambda: shown(strict), (True, 1))
        await streaming.pause()
        await write(primary, 2)
        await eventually(lambda: shown(strict), (False, 2))
        # The past, for who takes it; a moment of the machine's may send one of its reads to the primary.
        await eventually(lambda: shown(patient), (True, 1))
        await streaming.resume()
        await eventually(lambda: shown(strict), (True, 2))


async def test_nothing_is_written_on_a_read(streaming: StreamingReplica, primary: Database):
    async with reading(primary, streaming.at(primary.url), 30) as replica:
        for _ in range(2):
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                async with replica.reading() as connection:
                    await connection.execute("INSERT INTO seen VALUES (0)")
            await eventually(lambda: _on_replica(replica))


async def test_a_frozen_replica_and_one_that_comes_back(streaming: StreamingReplica, primary: Database):
    async with reading(primary, streaming.at(primary.url), 30) as replica:
        await eventually(lambda: _on_replica(replica))
        await asyncio.to_thread(streaming.freeze)
        try:
            assert (await shown(replica))[0] is False, "the first read already, without an error"
            assert (await shown(replica))[0] is False
        finally:
            await asyncio.to_thread(streaming.thaw)
        await eventually(lambda: _on_replica(replica))


async def test_a_replica_that_was_never_there(primary: Database):
    nowhere = at_database(f"postgresql://a:b@127.0.0.1:{free_port()}/x", "x")
    async with reading(primary, nowhere, 30) as replica:
        assert (await shown(replica))[0] is False


async def test_a_killed_replica(servers: Servers, primary: Database):
    async with streaming_replica(servers) as streaming, reading(primary, streaming.at(primary.url), 30) as replica:
        await eventually(lambda: _on_replica(replica))
        await asyncio.to_thread(streaming.kill)
        for _ in range(3):
            assert (await shown(replica))[0] is False


async def _on_replica(replica: Replica) -> bool:
    return (await shown(replica))[0]
