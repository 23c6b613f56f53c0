"""Many at once: stock is never oversold, one key is one order."""

import asyncio
import secrets
from collections import Counter

import httpx
from e2e_system import Person, System, new_product


async def post_all(system: System, headers: dict[str, str], body: object, count: int) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=system.gateway, timeout=60, limits=limits, trust_env=False) as client:
        posts = (client.post("/api/v1/orders", json=body, headers=headers) for _ in range(count))
        return await asyncio.gather(*posts)


def test_200_orders_on_a_stock_of_50_sell_exactly_50(
    system: System, client: httpx.Client, boss: Person, person: Person
):
    product = new_product(client, boss, stock=50)
    body = {"items": [{"product_id": product["id"], "quantity": 1}]}
    answers = asyncio.run(post_all(system, person.headers, body, 200))
    assert Counter(answer.status_code for answer in answers) == {201: 50, 409: 150}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"out_of_stock"}
    assert client.get(f"/api/v1/products/{product['id']}").json()["stock"] == 0
    assert client.get("/api/v1/orders", headers=person.headers).json()["total"] == 50


def test_50_posts_with_one_key_make_one_order(system: System, client: httpx.Client, boss: Person, person: Person):
    product = new_product(client, boss, stock=50)
    body = {"items": [{"product_id": product["id"], "quantity": 1}]}
    headers = {**person.headers, "Idempotency-Key": secrets.token_hex(16)}
    answers = asyncio.run(post_all(system, headers, body, 50))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert client.get("/api/v1/orders", headers=person.headers).json()["total"] == 1
    assert client.get(f"/api/v1/products/{product['id']}").json()["stock"] == 49
