"""Payments that break in the middle, and orders that nobody pays: money and stock end where they belong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from orders.domain.payments import Charge, PaymentMethod
from orders.jobs import expire_orders, settle_payments
from orders.jobs.expire_orders import ExpireOrders
from orders.jobs.settle_payments import SettlePayments
from orders.main import create_application
from orders.payment_provider import SimulatedProvider
from orders.settings import OrdersSettings
from orders.store import payment_attempts
from shared.jobs import enqueue
from shared.messaging import Event
from shared.postgres import Database
from shared.testing.serving import running
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]
Work = Callable[[], Awaitable[None]]


async def statuses(database: Database, order_id: int) -> tuple[str, list[str], int, int]:
    """Of the order and its payments; how often it was charged, and how often that was given back."""
    async with database.acquire() as connection:
        order = await connection.fetchval("SELECT status FROM orders WHERE id = $1", order_id)
        payments = await connection.fetch("SELECT status FROM payments WHERE order_id = $1 ORDER BY id", order_id)
        books = await connection.fetchrow(
            "SELECT count(*), count(refunded_at) FROM simulated_charges WHERE reference = $1", f"orders/{order_id}"
        )
    assert books is not None
    return order, [row["status"] for row in payments], books[0], books[1]


@pytest_asyncio.fixture
async def settle(database: Database, worker: httpx.AsyncClient) -> Work:
    """Has the worker settle what was left open a minute ago and earlier, and waits for it."""
    assert worker
    return _done(database, settle_payments.NAME, SettlePayments())


@pytest_asyncio.fixture
async def expire(database: Database, worker: httpx.AsyncClient) -> Work:
    """Has the worker cancel what is overdue, and waits for it."""
    assert worker
    return _done(database, expire_orders.NAME, ExpireOrders())


def _done(database: Database, name: str, payload: Any) -> Work:
    async def work() -> None:
        async with database.transaction() as connection:
            job_id = await enqueue(connection, name, payload)

        async def ended() -> bool:
            async with database.acquire() as connection:
                return await connection.fetchval("SELECT status = 'succeeded' FROM jobs WHERE id = $1", job_id)

        await eventually(ended)

    return work


async def begun_ago(database: Database, order_id: int, ago: timedelta) -> None:
    """Set when the order's payment began; in the future it grows old in no test, however slow."""
    async with database.acquire() as connection:
        await connection.execute(
            "UPDATE payment_attempts SET started_at = now() - $2::interval WHERE order_id = $1", order_id, ago
        )


async def grow_old(database: Database, order_id: int) -> None:
    await begun_ago(database, order_id, timedelta(minutes=2))
    async with database.acquire() as connection:
        await connection.execute(
            "UPDATE orders SET created_at = created_at - interval '2 days' WHERE id = $1", order_id
        )


@pytest_asyncio.fixture
async def holder(settings: OrdersSettings) -> AsyncIterator[asyncpg.Connection]:
    """A connection that holds locks until it is closed."""
    connection = await asyncpg.connect(settings.postgres.url.get_secret_value())
    yield connection
    await connection.close()


async def test_a_process_killed_between_the_charge_and_its_commit_leaves_a_payment_that_is_settled(
    *,
    start_process: Callable[..., Any],
    settings: OrdersSettings,
    holder: asyncpg.Connection,
    database: Database,
    user: Headers,
    settle: Work,
    make_order: Maker,
):
    """The books are locked until the attempt is written, then the order is: the kill falls after the charge."""
    order_id = (await make_order())["id"]
    books = await asyncpg.connect(settings.postgres.url.get_secret_value())
    await books.execute("BEGIN; LOCK TABLE simulated_charges IN EXCLUSIVE MODE")
    path = f"/api/v1/orders/{order_id}/payments"
    keyed = user | {"Idempotency-Key": f"killed-{order_id}"}
    async with start_process() as api, httpx.AsyncClient(base_url=api.url, timeout=30, trust_env=False) as client:
        paying = asyncio.create_task(client.post(path, headers=keyed))

        async def began() -> bool:
            async with database.acquire() as connection:
                return await payment_attempts.is_open(connection, order_id)

        await eventually(began)
        await holder.execute(f"BEGIN; SELECT FROM orders WHERE id = {order_id} FOR UPDATE")
        await books.close()
        await eventually(lambda: statuses(database, order_id), ("pending", [], 1, 0))
        api.process.kill()
        with pytest.raises(httpx.TransportError):
            await paying
    await holder.execute("ROLLBACK")
    async with start_process() as api, httpx.AsyncClient(base_url=api.url, timeout=30, trust_env=False) as client:
        again = await client.post(path, headers=keyed)
        assert (again.status_code, again.json()["code"]) == (409, "payment_in_progress")
        await begun_ago(database, order_id, timedelta(days=-1))
        await settle()
        assert await statuses(database, order_id) == ("pending", [], 1, 0), "it is not old enough to be left open"
        await grow_old(database, order_id)
        await settle()
        assert await statuses(database, order_id) == ("paid", ["succeeded"], 1, 0)
        late = await client.post(path, headers=keyed)
        assert (late.status_code, late.json()["code"]) == (409, "order_not_payable")


async def test_an_attempt_the_provider_knows_nothing_of_frees_the_order(
    *, client: httpx.AsyncClient, database: Database, user: Headers, settle: Work, make_order: Maker
):
    order_id = (await make_order())["id"]
    async with database.acquire() as connection:
        await payment_attempts.begin(connection, order_id, PaymentMethod.CARD)
    await grow_old(database, order_id)
    await settle()
    assert await statuses(database, order_id) == ("pending", [], 0, 0)
    assert (await client.post(f"/api/v1/orders/{order_id}/payments", headers=user)).status_code == 201


async def test_an_order_cancelled_while_it_is_charged_gets_its_money_back(
    *,
    settings: OrdersSettings,
    signer: Signer,
    database: Database,
    user: Headers,
    worker: httpx.AsyncClient,
    make_order: Maker,
):
    assert worker
    charging, go_on = asyncio.Event(), asyncio.Event()

    class HeldProvider(SimulatedProvider):
        async def charge(self, charge: Charge) -> bool:
            charging.set()
            await go_on.wait()
            return await super().charge(charge)

    order_id = (await make_order())["id"]
    path = f"/api/v1/orders/{order_id}"
    async with running(create_application(settings, signer, HeldProvider(database))) as client:
        paying = asyncio.create_task(client.post(f"{path}/payments", headers=user))
        await charging.wait()
        assert (await client.patch(path, json={"status": "cancelled"}, headers=user)).status_code == 200
        go_on.set()
        answer = await paying
    assert (answer.status_code, answer.json()["code"]) == (409, "order_not_payable")
    await eventually(lambda: statuses(database, order_id), ("cancelled", ["refunded"], 1, 1))


async def test_an_order_nobody_pays_gives_its_stock_back_once_and_says_why(
    *,
    client: httpx.AsyncClient,
    database: Database,
    expire: Work,
    make_product: Maker,
    make_order: Maker,
    heard_orders: list[Event],
):
    product = (await make_product(stock=10))["id"]
    overdue, fresh, paid_for = [(await make_order(product_id=product, quantity=2))["id"] for _ in range(3)]
    async with database.acquire() as connection:
        await payment_attempts.begin(connection, paid_for, PaymentMethod.CARD)
    await grow_old(database, overdue)
    await grow_old(database, paid_for)
    await expire()
    await expire()
    assert [(await statuses(database, order))[0] for order in (overdue, fresh, paid_for)] == [
        "cancelled",
        "pending",
        "pending",
    ]
    assert (await client.get(f"/api/v1/products/{product}")).json()["stock"] == 6
    told = await eventually(lambda: [event for event in heard_orders if event.data["id"] == overdue])
    assert [event.data["reason"] for event in told] == ["expired"]


async def test_a_payment_and_an_expiry_that_race_are_decided_by_the_order_s_row(
    *,
    client: httpx.AsyncClient,
    database: Database,
    user: Headers,
    expire: Work,
    make_order: Maker,
):
    ids = [(await make_order())["id"] for _ in range(12)]
    for order_id in ids:
        await grow_old(database, order_id)
    paying = (client.post(f"/api/v1/orders/{order_id}/payments", headers=user) for order_id in reversed(ids))
    answers, _ = await asyncio.gather(asyncio.gather(*paying), expire())
    for order_id, answer in zip(reversed(ids), answers, strict=True):
        found = await statuses(database, order_id)
        assert (
            found
            in {
                201: [("paid", ["succeeded"], 1, 0)],
                409: [("cancelled", [], 0, 0)],
            }[answer.status_code]
        ), (order_id, answer.text)


def test_what_is_left_open_is_older_than_any_request():
    from orders.paying import PROVIDER_SECONDS  # noqa: PLC0415 - the two are compared here only

    assert timedelta(seconds=3 * PROVIDER_SECONDS) < settle_payments.OLDER
