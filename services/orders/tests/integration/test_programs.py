"""Tokens of programs: they read what their scopes allow, and own nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from shared.testing.tokens import Signer

Maker = Callable[..., Awaitable[dict[str, Any]]]


def program(signer: Signer, scope: str) -> dict[str, str]:
    return signer.headers(0, role="service", tier="service", sub="client-billing", scope=scope)


async def test_a_program_reads_the_orders_of_all(client: httpx.AsyncClient, signer: Signer, make_order: Maker):
    order = await make_order()
    reader = program(signer, "orders:read")
    assert (await client.get(f"/api/v1/orders/{order['id']}", headers=reader)).json() == order
    listed = await client.get("/api/v1/orders", headers=reader, params={"user_id": order["user_id"]})
    assert [item["id"] for item in listed.json()["items"]] == [order["id"]]
    payments = await client.get(f"/api/v1/orders/{order['id']}/payments", headers=reader)
    assert (payments.status_code, payments.json()["total"]) == (200, 0)


async def test_a_program_without_the_scope_reads_none(client: httpx.AsyncClient, signer: Signer, make_order: Maker):
    order = await make_order()
    for path in ("/api/v1/orders", f"/api/v1/orders/{order['id']}"):
        answer = await client.get(path, headers=program(signer, "reports:read"))
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_a_program_owns_no_order(client: httpx.AsyncClient, signer: Signer, make_order: Maker):
    order = await make_order()
    writer = program(signer, "orders:read orders:write")
    lines = {"items": [{"product_id": order["items"][0]["product_id"], "quantity": 1}]}
    path = f"/api/v1/orders/{order['id']}"
    answers = [
        await client.post("/api/v1/orders", headers=writer, json=lines),
        await client.patch(path, headers=writer, json={"status": "cancelled"}),
        await client.post(f"{path}/payments", headers=writer, json={}),
        await client.post(
            "/api/v1/products", headers=writer, json={"sku": "P-1", "name": "x", "price": "1.00", "stock": 1}
        ),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "forbidden")] * 4
    assert (await client.get(path, headers=writer)).json()["status"] == "pending"
