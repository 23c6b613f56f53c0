"""What breaks in the middle leaves nothing behind."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from orders import ordering
from orders.settings import OrdersSettings
from shared.identity import Principal
from shared.postgres import Database, write_together
from shared.postgres.database import UNAVAILABLE
from shared.testing.tokens import Signer
from shared.testing.waiting import PATIENCE_SECONDS

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]


async def traces_of(database: Database, user_id: int, product: int) -> tuple[int, int, int]:
    """Stock, orders of the user, and orders of the user that the outbox tells of."""
    async with database.acquire() as connection:
        row = await connection.fetchrow(
            """
            SELECT (SELECT stock FROM products WHERE id = $2),
                (SELECT count(*) FROM orders WHERE user_id = $1),
                (SELECT count(*) FROM outbox WHERE routing_key = 'orders.placed.v1'
                    AND (convert_from(body, 'UTF8')::jsonb #>> '{data,user_id}')::bigint = $1)
            """,
            user_id,
            product,
        )
    assert row is not None
    return row[0], row[1], row[2]


async def test_a_connection_that_dies_before_the_commit_leaves_nothing(
    database: Database, admin_database_url: str, user_id: int, make_product: Maker
):
    product = (await make_product(stock=5))["id"]
    buyer = Principal(str(user_id), "user", "free", frozenset(), "token")

    async def place_and_die() -> None:
        async with database.transaction() as connection:
            _, writes = await ordering.place_order(connection, buyer, [(product, 2)])
            await write_together(connection, writes)
            killer = await asyncpg.connect(admin_database_url)
            await killer.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            await killer.close()
            while not connection.is_closed():
                await asyncio.sleep(0.01)

    with pytest.raises(UNAVAILABLE):
        await place_and_die()
    assert await traces_of(database, user_id, product) == (5, 0, 0)


async def test_a_process_that_is_killed_keeps_what_it_acknowledged_and_nothing_else(
    *,
    start_process: Callable[..., Any],
    settings: OrdersSettings,
    database: Database,
    signer: Signer,
    user_id: int,
    make_product: Maker,
):
    """The kill falls while orders wait for a row that somebody holds: they are in the middle of it."""
    product = (await make_product(stock=50))["id"]
    headers = signer.headers(user_id)
    asked = {"items": [{"product_id": product, "quantity": 1}]}
    holder = await asyncpg.connect(settings.postgres.url.get_secret_value())
    async with start_process() as api, httpx.AsyncClient(base_url=api.url, timeout=30, trust_env=False) as client:
        done = await client.post("/api/v1/orders", json=asked, headers=headers | {"Idempotency-Key": "done"})
        assert done.status_code == 201
        lock = holder.transaction()
        await lock.start()
        await holder.execute("SELECT FROM products WHERE id = $1 FOR UPDATE", product)
        keys = [f"lost-{number}" for number in range(5)]
        orders = [
            asyncio.create_task(client.post("/api/v1/orders", json=asked, headers=headers | {"Idempotency-Key": key}))
            for key in keys
        ]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await _waiting(database) < len(keys):
                await asyncio.sleep(0.05)
        api.process.kill()
        answers = await asyncio.gather(*orders, return_exceptions=True)
        assert all(isinstance(answer, httpx.TransportError) for answer in answers)
    await lock.rollback()
    await holder.close()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await _waiting(database):
            await asyncio.sleep(0.05)

    async with start_process() as api, httpx.AsyncClient(base_url=api.url, timeout=30, trust_env=False) as client:
        again = [
            await client.post("/api/v1/orders", json=asked, headers=headers | {"Idempotency-Key": key})
            for key in ("done", *keys)
        ]
    assert [answer.status_code for answer in again] == [201] * 6
    assert again[0].json() == done.json()
    assert len({answer.json()["id"] for answer in again}) == 6
    assert await traces_of(database, user_id, product) == (44, 6, 6)


async def _waiting(database: Database) -> int:
    async with database.acquire() as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    return count
