"""Many at once: stock is never oversold, one key is one order.

A service that waits for its disk for seconds says 503 to those who wait for a connection (DATABASE_ACQUIRE_SECONDS): a
client asks again then, under its key, and the sale has to come out the same.
"""

import asyncio
import secrets
from collections import Counter

import httpx
from e2e_system import Person, System, new_product

LATER = (502, 503, 504)
"""What a client asks again after, under the same key."""


async def answer_for_good(client: httpx.AsyncClient, headers: dict[str, str], body: object) -> httpx.Response:
    """Ask until the answer is one that asking again would not change."""
    for _ in range(300):
        answer = await client.post("/api/v1/orders", json=body, headers=headers)
        if answer.status_code not in LATER and answer.json().get("code") != "idempotency_in_progress":
            return answer
        await asyncio.sleep(0.2)
    return answer


async def post_all(system: System, headers: list[dict[str, str]], body: object) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=system.gateway, timeout=120, limits=limits, trust_env=False) as client:
        return await asyncio.gather(*(answer_for_good(client, each, body) for each in headers))


def keyed(person: Person) -> dict[str, str]:
    """Signed in, and with a key of its own."""
    return {**person.headers, "Idempotency-Key": secrets.token_hex(16)}


def test_200_orders_on_a_stock_of_50_sell_exactly_50(
    system: System, client: httpx.Client, boss: Person, person: Person
):
    product = new_product(client, boss, stock=50)
    body = {"items": [{"product_id": product["id"], "quantity": 1}]}
    answers = asyncio.run(post_all(system, [keyed(person) for _ in range(200)], body))
    assert Counter(answer.status_code for answer in answers) == {201: 50, 409: 150}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"out_of_stock"}
    assert client.get(f"/api/v1/products/{product['id']}").json()["stock"] == 0
    assert client.get("/api/v1/orders", headers=person.headers).json()["total"] == 50


def test_50_posts_with_one_key_make_one_order(system: System, client: httpx.Client, boss: Person, person: Person):
    product = new_product(client, boss, stock=50)
    body = {"items": [{"product_id": product["id"], "quantity": 1}]}
    answers = asyncio.run(post_all(system, [keyed(person)] * 50, body))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert client.get("/api/v1/orders", headers=person.headers).json()["total"] == 1
    assert client.get(f"/api/v1/products/{product['id']}").json()["stock"] == 49
