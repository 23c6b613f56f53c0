"""A deleted user's orders: pending ones are cancelled, the others stay without the person."""

import json
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from orders import ordering
from orders.domain.orders import NOBODY, OrderStatus
from orders.events import order_data
from orders.forgetting import forget_customer
from orders.jobs.departure import FORGET_CUSTOMER
from orders.settings import OrdersSettings
from orders.store import orders
from orders.worker import create_application
from shared.postgres import Database
from shared.testing.serving import running
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .test_customers import PERSON, SCHEMAS, hear, told

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]
_keys = count(1)


async def stock_of(client: httpx.AsyncClient, product_id: int) -> int:
    return (await client.get(f"/api/v1/products/{product_id}")).json()["stock"]


async def owners(database: Database, *order_ids: int) -> list[tuple[int, str]]:
    async with database.acquire() as connection:
        found = [await orders.find(connection, order_id) for order_id in order_ids]
    return [(order.user_id, order.status.value) for order in found if order]


async def test_the_worker_hears_of_it_and_forgets_the_customer(
    *,
    client: httpx.AsyncClient,
    settings: OrdersSettings,
    database: Database,
    signer: Signer,
    user: Headers,
    user_id: int,
    admin: Headers,
    make_order: Maker,
    make_product: Maker,
):
    product = (await make_product(stock=10))["id"]
    pending, paid = await make_order(product_id=product, quantity=3), await make_order(product_id=product, quantity=2)
    others = await client.post(
        "/api/v1/orders",
        json={"items": [{"product_id": product, "quantity": 1}]},
        headers={**signer.headers(user_id + 500_000), "Idempotency-Key": f"k{next(_keys)}"},
    )
    assert (await client.post(f"/api/v1/orders/{paid['id']}/payments", json={}, headers=user)).status_code == 201
    assert await stock_of(client, product) == 4
    await hear(database, told("registered", user_id, 1, **PERSON), told("deleted", user_id, 2))

    async with running(create_application(settings)):

        async def forgotten() -> list[tuple[int, str]]:
            return await owners(database, pending["id"], paid["id"], others.json()["id"])

        await eventually(forgotten, [(NOBODY, "cancelled"), (NOBODY, "paid"), (user_id + 500_000, "pending")])
    assert await stock_of(client, product) == 7
    for version, link in (("v1", None), ("v2", {"user": None})):
        shown = (await client.get(f"/api/{version}/orders/{paid['id']}", headers=admin)).json()
        assert (shown["user_id"], shown["total"]) == (NOBODY, paid["total"])
        assert link is None or shown["links"]["user"] is None
    shipped = await client.patch(f"/api/v1/orders/{paid['id']}", json={"status": "shipped"}, headers=admin)
    assert shipped.status_code == 200, "what was paid is still delivered"


async def test_nobodys_orders_are_no_users(
    *, client: httpx.AsyncClient, database: Database, signer: Signer, user: Headers, user_id: int, make_order: Maker
):
    order = await make_order()
    await forget_customer(database, user_id)
    negative = signer.headers(0, sub=str(NOBODY))
    for headers in (negative, user):
        assert (await client.get(f"/api/v1/orders/{order['id']}", headers=headers)).status_code == 404
        assert (await client.get("/api/v1/orders", headers=headers)).json()["total"] == 0


async def test_an_answer_kept_for_a_key_goes_too(
    client: httpx.AsyncClient, database: Database, user: Headers, user_id: int, make_product: Maker
):
    body = {"items": [{"product_id": (await make_product())["id"], "quantity": 1}]}
    await client.post("/api/v1/orders", json=body, headers={**user, "Idempotency-Key": "gone"})
    await forget_customer(database, user_id)
    async with database.acquire() as connection:
        kept = await connection.fetchval("SELECT count(*) FROM idempotency_keys WHERE owner = $1", str(user_id))
    assert kept == 0


async def test_stopped_in_the_middle_it_goes_on_and_returns_the_stock_once(
    *,
    client: httpx.AsyncClient,
    database: Database,
    user_id: int,
    make_order: Maker,
    make_product: Maker,
    monkeypatch: pytest.MonkeyPatch,
):
    product = (await make_product(stock=10))["id"]
    for _ in range(3):
        await make_order(product_id=product, quantity=2)
    entered, enter = count(1), ordering.cancel_departed

    async def dies_at_the_second(*arguments: Any) -> Any:
        if next(entered) == 2:
            raise ConnectionError("killed")
        return await enter(*arguments)

    with monkeypatch.context() as broken:
        broken.setattr("orders.forgetting.cancel_departed", dies_at_the_second)
        with pytest.raises(ConnectionError):
            await forget_customer(database, user_id)
    assert await stock_of(client, product) == 6
    assert await forget_customer(database, user_id) == (2, 0)
    assert await forget_customer(database, user_id) == (0, 0)
    assert await stock_of(client, product) == 10


async def test_news_from_before_brings_nobody_back(database: Database, user_id: int):
    deleted = told("deleted", user_id, 3)
    assert await hear(database, deleted) == (3, True)
    for late in (told("registered", user_id, 1, **PERSON), told("updated", user_id, 9, **PERSON)):
        assert await hear(database, late) == (3, True)


async def test_an_order_that_was_being_placed_while_the_deletion_was_heard_is_found_by_the_second_look(
    database: Database, user_id: int
):
    await hear(database, told("deleted", user_id, 2))
    async with database.acquire() as connection:
        looks = await connection.fetch(
            "SELECT run_at > now() AS later FROM jobs WHERE type = $1 AND payload->>'user_id' = $2",
            FORGET_CUSTOMER,
            str(user_id),
        )
    assert sorted(look["later"] for look in looks) == [False, True]


async def test_the_events_of_nobodys_order_keep_to_their_schema(database: Database, user_id: int, make_order: Maker):
    order_id = (await make_order())["id"]
    await forget_customer(database, user_id)
    async with database.acquire() as connection:
        order = await orders.find(connection, order_id)
    assert order is not None
    assert order.status is OrderStatus.CANCELLED
    schema = json.loads((SCHEMAS.parents[1] / "orders" / "events" / "orders.cancelled.v1.json").read_text())
    data = order_data(order)
    plain = {**data, "created_at": order.created_at.isoformat(), "updated_at": order.updated_at.isoformat()}
    plain |= {"total": str(order.total), "items": [{**i, "unit_price": str(i["unit_price"])} for i in data["items"]]}
    Draft202012Validator(schema).validate(plain)
