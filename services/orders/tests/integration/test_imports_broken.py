"""Imports that break in the middle: killed, cancelled, hung up on, too large, beside orders of the same products."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from orders import clean_up
from orders.import_files import ImportFiles
from orders.main import create_application
from orders.settings import OrdersSettings
from shared.messaging import Event
from shared.postgres import Database
from shared.testing.serving import running
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

Headers = dict[str, str]
Maker = Callable[..., Awaitable[dict[str, Any]]]

PATH = "/api/v1/products/imports"
CSV = {"Content-Type": "text/csv"}
ROWS = 400

_batches = count(1)


@pytest.fixture
def batch() -> str:
    """Begins the SKUs of one test."""
    return f"BROKEN-{next(_batches)}"


def content(batch: str) -> str:
    return "sku,name,price,stock\n" + "".join(f"{batch}-{number},Mug,1.50,3\n" for number in range(ROWS))


def files(settings: OrdersSettings) -> list[Path]:
    return list(settings.imports.directory.iterdir())


async def how_many(database: Database, batch: str) -> int:
    async with database.acquire() as connection:
        return await connection.fetchval("SELECT count(*) FROM products WHERE starts_with(sku, $1)", f"{batch}-")


async def waiting(database: Database) -> int:
    """How many wait for somebody's lock."""
    async with database.acquire() as connection:
        return await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )


@asynccontextmanager
async def held_in_the_middle(settings: OrdersSettings, database: Database, batch: str) -> AsyncIterator[None]:
    """Somebody adds the product of the last row and does not commit: the import waits for it, most rows written."""
    holder = await asyncpg.connect(settings.postgres.url.get_secret_value())
    try:
        await holder.execute("BEGIN")
        sku = f"{batch}-{ROWS - 1}"
        await holder.execute(
            "INSERT INTO products (sku, name, price, currency, stock) VALUES ($1, 'Mug', 1, 'EUR', 1)", sku
        )
        yield
    finally:
        await holder.close()
    await eventually(lambda: waiting(database), 0)


async def status_of(client: httpx.AsyncClient, admin: Headers, where: str) -> str:
    return (await client.get(where, headers=admin)).json()["status"]


async def test_an_import_cancelled_in_the_middle_leaves_nothing(
    *,
    settings: OrdersSettings,
    database: Database,
    client: httpx.AsyncClient,
    worker: httpx.AsyncClient,
    admin: Headers,
    batch: str,
):
    assert worker
    async with held_in_the_middle(settings, database, batch):
        accepted = await client.post(
            PATH, params={"mode": "skip_bad"}, content=content(batch), headers={**admin, **CSV}
        )
        where = accepted.headers["location"]
        await eventually(lambda: waiting(database), 1)
        assert (await client.delete(where, headers=admin)).status_code == 204
        await eventually(lambda: status_of(client, admin, where), "cancelled")
    assert await how_many(database, batch) == 0
    assert files(settings) == []
    again = await client.delete(where, headers=admin)
    assert (again.status_code, again.json()["code"]) == (409, "import_finished")


async def test_a_sender_who_hangs_up_leaves_no_file_and_no_import(
    settings: OrdersSettings, database: Database, client: httpx.AsyncClient, admin: Headers
):
    """TRAPS.md, forwarding 7."""
    async with database.acquire() as connection:
        before = await connection.fetchval("SELECT count(*) FROM product_imports")
    lines = [f"POST {PATH} HTTP/1.1", "Host: orders", "Content-Type: text/csv", "Content-Length: 100000"]
    lines += [f"{name}: {value}" for name, value in admin.items()]
    with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as sender:
        sender.sendall("\r\n".join([*lines, "", "sku,name,price,stock\n"]).encode())
        await eventually(lambda: files(settings))
    await eventually(lambda: not files(settings))
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM product_imports") == before


async def test_bytes_are_counted_as_they_come(settings: OrdersSettings, signer: Signer, admin: Headers):
    """TRAPS.md, forwarding 4: a chunked body has no length to be believed."""
    small = settings.imports.model_copy(update={"most_bytes": 1000})

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100
            await asyncio.sleep(0)

    async with running(create_application(settings.model_copy(update={"imports": small}), signer)) as client:
        refused = await client.post(PATH, content=pieces(), headers={**admin, **CSV})
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert files(settings) == []


async def test_orders_of_products_that_are_imported_keep_the_stock_right(
    *,
    client: httpx.AsyncClient,
    user: Headers,
    admin: Headers,
    batch: str,
    heard: list[Event],
    make_product: Maker,
):
    """The file sets the stock at its commit; each order takes from what it finds, before or after."""
    products = [(await make_product(sku=f"{batch}-{number}", stock=1000))["id"] for number in range(4)]
    rows = "".join(f"{batch}-{number},Mug,9.99,500\n" for number in reversed(range(4)))

    async def order(number: int) -> int:
        turned = products[number % 4 :] + products[: number % 4]
        lines = [{"product_id": product, "quantity": 1} for product in turned]
        return (await client.post("/api/v1/orders", json={"items": lines}, headers=user)).status_code

    async def orders(numbers: range) -> list[int]:
        return [await order(number) for number in numbers]

    accepted = await client.post(PATH, content=f"sku,name,price,stock\n{rows}", headers={**admin, **CSV})
    placed = await asyncio.gather(*(orders(range(first, first + 10)) for first in range(3)))
    assert placed == [[201] * 10] * 3
    await eventually(lambda: status_of(client, admin, accepted.headers["location"]), "succeeded")
    for product in products:
        stock = (await client.get(f"/api/v1/products/{product}")).json()["stock"]
        # 32 versions: the first, thirty orders, the import. Those that came after it left their trace in its figure.
        before = 30 - (500 - stock)
        assert 0 <= before <= 30
        if before:
            found = await eventually(
                lambda product=product, version=1 + before: [
                    event for event in heard if (event.data["id"], event.data["version"]) == (product, version)
                ]
            )
            assert {event.data["stock"] for event in found} == {1000 - before}


async def test_files_that_a_kill_left_are_removed_after_a_day_and_those_that_are_wanted_stay(
    *,
    settings: OrdersSettings,
    database: Database,
    client: httpx.AsyncClient,
    worker: httpx.AsyncClient,
    admin: Headers,
    batch: str,
):
    assert worker
    directory = settings.imports.directory
    old = [directory / f"{uuid4()}{ending}" for ending in (".part", ".csv", ".rows-1")]
    fresh = directory / f"{uuid4()}.part"
    async with held_in_the_middle(settings, database, batch):
        accepted = await client.post(PATH, content=content(batch), headers={**admin, **CSV})
        await eventually(lambda: waiting(database), 1)
        wanted = directory / f"{accepted.json()['id']}.csv"
        for path in (*old, fresh):
            path.touch()
        for path in (*old, wanted):
            os.utime(path, (0, 0))
        files = ImportFiles(directory, most_bytes=settings.imports.most_bytes)
        async with database.transaction() as connection:
            assert await clean_up.delete_leftover_files(files, connection, 2) == 2
            assert await clean_up.delete_leftover_files(files, connection, 2) == 1
            assert await clean_up.delete_leftover_files(files, connection, 2) == 0
        assert not [path for path in old if path.exists()]
        assert wanted.exists()
        assert fresh.exists()
        fresh.unlink()
    await eventually(lambda: status_of(client, admin, accepted.headers["location"]), "succeeded")
