"""No N+1: a request takes as many statements for fifty rows as for one."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest_asyncio

from orders.main import create_application
from orders.settings import OrdersSettings
from shared.testing.serving import running
from shared.testing.tokens import Signer

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]
Counted = Callable[..., Awaitable[list[str]]]

_OUR_TABLES = re.compile(
    r"\b(FROM|INTO|UPDATE|JOIN) (products|orders|order_items|payments|customers|outbox|idempotency_keys)\b"
)


@pytest_asyncio.fixture
async def statements(settings: OrdersSettings, signer: Signer) -> AsyncIterator[Counted]:
    """Sends a request to an API with one connection and gives the statements that it took."""
    one = settings.postgres.model_copy(update={"min_connections": 1, "max_connections": 1})
    app = create_application(settings.model_copy(update={"postgres": one}), signer)
    async with running(app) as client:
        seen: list[str] = []
        async with app.state.resources.database.acquire() as connection:
            connection.add_query_logger(lambda record: seen.append(record.query))

        async def send(method: str, path: str, **options: Any) -> list[str]:
            seen.clear()
            answer = await client.request(method, path, **options)
            assert answer.status_code < 300, answer.text
            # What the driver and the relay's waker ask of the server names none of our tables.
            return [query for query in seen if _OUR_TABLES.search(query)]

        yield send


async def test_a_list_of_orders_takes_three(
    statements: Counted, client: httpx.AsyncClient, user: Headers, user_id: int, make_product: Maker
):
    products = [(await make_product())["id"] for _ in range(3)]
    asked = {"items": [{"product_id": product, "quantity": 1} for product in products]}
    for number in (1, 25):
        for _ in range(number):
            await client.post("/api/v1/orders", json=asked, headers=user)
        for path in ("/api/v1/orders", f"/api/v1/users/{user_id}/orders", "/api/v2/orders"):
            taken = await statements("GET", f"{path}?page_size=100", headers=user)
            assert len(taken) == 3, taken


async def test_reading_an_order_takes_two_and_a_list_of_products_too(
    statements: Counted, user: Headers, make_order: Maker
):
    order = await make_order()
    assert len(await statements("GET", f"/api/v1/orders/{order['id']}", headers=user)) == 2
    assert len(await statements("GET", "/api/v1/products?page_size=100")) == 2
    assert len(await statements("GET", f"/api/v1/products/{order['items'][0]['product_id']}")) == 1


async def test_placing_takes_two_statements_whatever_its_size_and_a_third_for_its_key(
    statements: Counted, user: Headers, make_product: Maker
):
    products = [(await make_product())["id"] for _ in range(20)]
    for number in (1, 20):
        asked = {"items": [{"product_id": product, "quantity": 1} for product in products[:number]]}
        taken = await statements("POST", "/api/v1/orders", json=asked, headers=user)
        assert len(taken) == 2, taken
        assert len([query for query in taken if "INTO outbox" in query]) == 1
        keyed = user | {"Idempotency-Key": f"counted-{number}-{products[0]}"}
        taken = await statements("POST", "/api/v1/orders", json=asked, headers=keyed)
        assert len(taken) == 3, taken
        assert sum("idempotency_keys" in query for query in taken) == 2
