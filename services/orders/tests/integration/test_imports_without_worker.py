"""Imports that nobody does: no worker runs beside these tests but those that they start."""

from collections.abc import Callable
from typing import Any

import httpx

from orders.settings import OrdersSettings
from shared.postgres import Database
from shared.testing.waiting import eventually

from .test_imports_broken import (
    CSV,
    PATH,
    ROWS,
    Headers,
    batch,
    content,
    files,
    held_in_the_middle,
    how_many,
    status_of,
    waiting,
)

__all__ = ["batch"]


async def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_one_imports_all_once(
    *,
    start_process: Callable[..., Any],
    settings: OrdersSettings,
    database: Database,
    client: httpx.AsyncClient,
    admin: Headers,
    batch: str,
):
    accepted = await client.post(PATH, content=content(batch), headers={**admin, **CSV})
    where = accepted.headers["location"]
    async with held_in_the_middle(settings, database, batch), start_process("orders.worker") as worker:
        await eventually(lambda: waiting(database), 1)
        worker.process.kill()
        await worker.process.wait()
    assert await how_many(database, batch) == 0
    assert await status_of(client, admin, where) == "running", "nobody has seen yet that it is dead"
    async with database.acquire() as connection:
        await connection.execute("UPDATE jobs SET lease_until = now() WHERE status = 'running'")
    async with start_process("orders.worker"):
        await eventually(lambda: status_of(client, admin, where), "succeeded")
        assert await how_many(database, batch) == ROWS
        async with database.acquire() as connection:
            versions = await connection.fetch(
                "SELECT DISTINCT version FROM products WHERE starts_with(sku, $1)", f"{batch}-"
            )
    assert [row["version"] for row in versions] == [1]
    assert files(settings) == []


async def test_one_that_waits_is_cancelled_at_once_and_only_so_many_wait(
    settings: OrdersSettings, database: Database, client: httpx.AsyncClient, admin: Headers, batch: str
):
    """The limit is 5."""
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM jobs WHERE finished_at IS NULL AND type ~ 'import'") == 0
    sent = [await client.post(PATH, content=content(batch), headers={**admin, **CSV}) for _ in range(6)]
    assert [answer.status_code for answer in sent] == [202] * 5 + [409]
    assert sent[-1].json()["code"] == "too_many_imports"
    for answer in sent[:-1]:
        where = answer.headers["location"]
        assert (await client.delete(where, headers=admin)).status_code == 204
        assert await status_of(client, admin, where) == "cancelled"
    assert files(settings) == []
