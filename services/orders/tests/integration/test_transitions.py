"""An order from status to status, over HTTP."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from shared.postgres import Database

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]


async def test_an_admin_leads_an_order_to_the_end(client: httpx.AsyncClient, admin: Headers, make_order: Maker):
    path = f"/api/v1/orders/{(await make_order())['id']}"
    tags = [(await client.get(path, headers=admin)).headers["etag"]]
    for status in ("paid", "shipped", "delivered"):
        led = await client.patch(path, json={"status": status}, headers=admin | {"If-Match": tags[-1]})
        assert (led.status_code, led.json()["status"]) == (200, status)
        tags.append(led.headers["etag"])
    assert len(set(tags)) == 4
    refused = await client.patch(path, json={"status": "cancelled"}, headers=admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    unknown = await client.patch(path, json={"status": "lost"}, headers=admin)
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "status")


async def test_an_owner_only_cancels(client: httpx.AsyncClient, user: Headers, make_order: Maker):
    path = f"/api/v1/orders/{(await make_order())['id']}"
    for status in ("paid", "shipped", "delivered", "pending"):
        refused = await client.patch(path, json={"status": status}, headers=user)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    cancelled = await client.patch(path, json={"status": "cancelled"}, headers=user)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")


async def test_a_step_of_an_old_version_is_refused(client: httpx.AsyncClient, user: Headers, make_order: Maker):
    path = f"/api/v1/orders/{(await make_order())['id']}"
    old = (await client.get(path, headers=user)).headers["etag"]
    assert (await client.post(f"{path}/payments", headers=user)).status_code == 201
    refused = await client.patch(path, json={"status": "cancelled"}, headers=user | {"If-Match": old})
    assert (refused.status_code, refused.json()["code"]) == (412, "version_mismatch")


async def test_a_step_asked_for_again_under_its_key_is_answered_again(
    client: httpx.AsyncClient, user: Headers, make_product: Maker, make_order: Maker
):
    # The gateway sends a PATCH with a key again when the answer was lost (TRAPS.md, forwarding 2).
    product = (await make_product(stock=10))["id"]
    path = f"/api/v1/orders/{(await make_order(product_id=product, quantity=4))['id']}"
    keyed = user | {"Idempotency-Key": f"cancel-{product}"}
    first = await client.patch(path, json={"status": "cancelled"}, headers=keyed)
    again = await client.patch(path, json={"status": "cancelled"}, headers=keyed)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["idempotent-replayed"] == "true"
    assert (await client.get(f"/api/v1/products/{product}")).json()["stock"] == 10


async def test_cancelling_at_the_same_time_gives_the_stock_back_once(
    client: httpx.AsyncClient, user: Headers, make_product: Maker, make_order: Maker
):
    product = (await make_product(stock=10))["id"]
    path = f"/api/v1/orders/{(await make_order(product_id=product, quantity=4))['id']}"
    answers = await asyncio.gather(*(client.patch(path, json={"status": "cancelled"}, headers=user) for _ in range(8)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 7}
    assert (await client.get(f"/api/v1/products/{product}")).json()["stock"] == 10


async def test_cancelling_a_paid_order_refunds_it(
    client: httpx.AsyncClient, user: Headers, database: Database, make_order: Maker
):
    order = await make_order()
    path = f"/api/v1/orders/{order['id']}"
    await client.post(f"{path}/payments", headers=user)
    assert (await client.patch(path, json={"status": "cancelled"}, headers=user)).status_code == 200
    payments = (await client.get(f"{path}/payments", headers=user)).json()
    assert [payment["status"] for payment in payments["items"]] == ["refunded"]
    async with database.acquire() as connection:
        refunded_at = await connection.fetchval("SELECT refunded_at FROM payments WHERE order_id = $1", order["id"])
    assert refunded_at is not None
    again = await client.post(f"{path}/payments", headers=user)
    assert (again.status_code, again.json()["code"]) == (409, "order_not_payable")
