"""Many at once: stock is never oversold, a key makes one order, and nobody waits for ever."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx

from shared.postgres import Database
from shared.testing.tokens import Signer
from shared.testing.waiting import PATIENCE_SECONDS

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]


def lines(*pairs: tuple[int, int]) -> dict[str, Any]:
    return {"items": [{"product_id": product, "quantity": quantity} for product, quantity in pairs]}


async def post(client: httpx.AsyncClient, path: str, body: Any, headers: Headers) -> httpx.Response:
    """Post as the contract's client does: a 503 says when to come again, and means that nothing happened."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = await client.post(path, json=body, headers=headers)
            if answer.status_code != 503:
                return answer
            await asyncio.sleep(float(answer.headers["retry-after"]))


@asynccontextmanager
async def several_clients(url: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Eight clients: one of httpx's slows down with the square of its requests."""
    async with AsyncExitStack() as stack:
        clients = [httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False) for _ in range(8)]
        yield [await stack.enter_async_context(client) for client in clients]


async def test_200_orders_of_50_pieces_sell_exactly_50(
    start_process: Callable[..., Any], database: Database, signer: Signer, make_product: Maker
):
    product = (await make_product(stock=50))["id"]

    async def buy(client: httpx.AsyncClient, buyer: int) -> int:
        keyed = signer.headers(buyer) | {"Idempotency-Key": "the-one"}
        return (await post(client, "/api/v1/orders", lines((product, 1)), keyed)).status_code

    async with start_process() as api, several_clients(api.url) as clients:
        orders = (buy(clients[number % len(clients)], 5000 + number) for number in range(200))
        statuses = Counter(await asyncio.gather(*orders))
    assert statuses == {201: 50, 409: 150}
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT stock FROM products WHERE id = $1", product) == 0
        sold = await connection.fetchval("SELECT sum(quantity) FROM order_items WHERE product_id = $1", product)
    assert sold == 50


async def test_50_posts_with_one_key_make_one_order(
    start_process: Callable[..., Any], user: Headers, user_id: int, make_product: Maker
):
    product = (await make_product(stock=50))["id"]
    keyed = user | {"Idempotency-Key": f"once-{user_id}"}

    async def order(client: httpx.AsyncClient, quantity: int = 1) -> httpx.Response:
        return await post(client, "/api/v1/orders", lines((product, quantity)), keyed)

    async with start_process() as api, several_clients(api.url) as clients:
        answers = await asyncio.gather(*(order(clients[number % len(clients)]) for number in range(50)))
        made = [answer for answer in answers if answer.status_code == 201]
        still_running = [answer for answer in answers if answer.status_code == 409]
        assert len(made) + len(still_running) == 50
        assert {answer.json()["code"] for answer in still_running} <= {"idempotency_in_progress"}
        assert len({answer.json()["id"] for answer in made}) == 1
        assert sum("idempotent-replayed" not in answer.headers for answer in made) == 1

        assert (await clients[0].get(f"/api/v1/products/{product}")).json()["stock"] == 49
        assert (await clients[0].get("/api/v1/orders", headers=user)).json()["total"] == 1
        replayed = await order(clients[0])
        assert (replayed.status_code, replayed.headers["idempotent-replayed"]) == (201, "true")
        assert replayed.content == made[0].content
        assert replayed.headers["location"] == made[0].headers["location"]
        assert replayed.headers["etag"] == made[0].headers["etag"]
        other = await order(clients[0], quantity=2)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_is_one_user_s_own(
    client: httpx.AsyncClient, user: Headers, stranger: Headers, make_product: Maker
):
    asked = lines(((await make_product())["id"], 1))
    key = {"Idempotency-Key": "shared-by-chance"}
    first = await client.post("/api/v1/orders", json=asked, headers=user | key)
    second = await client.post("/api/v1/orders", json=asked, headers=stranger | key)
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] != second.json()["id"]


async def test_a_refused_order_is_refused_again_under_its_key_and_took_nothing(
    client: httpx.AsyncClient, user: Headers, admin: Headers, make_product: Maker
):
    plenty, scarce = (await make_product(stock=7))["id"], (await make_product(stock=0))["id"]
    keyed = user | {"Idempotency-Key": f"later-{scarce}"}
    asked = lines((plenty, 1), (scarce, 1))
    first = await client.post("/api/v1/orders", json=asked, headers=keyed)
    assert (first.status_code, first.json()["code"]) == (409, "out_of_stock")
    assert (await client.get(f"/api/v1/products/{plenty}")).json()["stock"] == 7
    await client.patch(f"/api/v1/products/{scarce}", json={"stock": 1}, headers=admin)
    again = await client.post("/api/v1/orders", json=asked, headers=keyed)
    assert (again.status_code, again.content) == (409, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "application/problem+json"
    other = keyed | {"Idempotency-Key": f"now-{scarce}"}
    assert (await client.post("/api/v1/orders", json=asked, headers=other)).status_code == 201


async def test_orders_that_cross_do_not_wait_for_each_other(
    client: httpx.AsyncClient, user: Headers, make_product: Maker
):
    ids = [(await make_product(stock=1000))["id"] for _ in range(4)]

    async def order(number: int) -> int:
        turned = ids[number % 4 :] + ids[: number % 4]
        if number % 2:
            turned.reverse()
        answer = await post(client, "/api/v1/orders", lines(*((product, 1) for product in turned)), user)
        if number % 3 == 0:
            path = f"/api/v1/orders/{answer.json()['id']}"
            assert (await client.patch(path, json={"status": "cancelled"}, headers=user)).status_code == 200
        return answer.status_code

    assert Counter(await asyncio.gather(*(order(number) for number in range(60)))) == {201: 60}
    for product in ids:
        assert (await client.get(f"/api/v1/products/{product}")).json()["stock"] == 1000 - 40
