"""Payments over HTTP: declined, tried again, never twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from orders.domain.payments import Charge
from orders.main import create_application
from orders.settings import OrdersSettings
from shared.postgres import Database
from shared.testing.serving import running
from shared.testing.tokens import Signer

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]


async def test_the_owner_pays(client: httpx.AsyncClient, user: Headers, make_order: Maker):
    order = await make_order(quantity=2)
    path = f"/api/v1/orders/{order['id']}"
    paid = await client.post(f"{path}/payments", json={}, headers=user)
    assert paid.status_code == 201, paid.text
    payment = paid.json()
    assert payment == {
        "id": payment["id"],
        "order_id": order["id"],
        "status": "succeeded",
        "method": "card",
        "amount": "19.98",
        "currency": "EUR",
        "created_at": payment["created_at"],
    }
    assert paid.headers["location"] == f"{path}/payments/{payment['id']}"
    assert (await client.get(paid.headers["location"], headers=user)).json() == payment
    assert (await client.get(path, headers=user)).json()["status"] == "paid"
    again = await client.post(f"{path}/payments", headers=user)
    assert (again.status_code, again.json()["code"]) == (409, "order_not_payable")
    missing = await client.get(f"{path}/payments/{payment['id'] + 1}", headers=user)
    assert (missing.status_code, missing.json()["code"]) == (404, "payment_not_found")


async def test_a_declined_attempt_is_kept_and_another_may_follow(
    client: httpx.AsyncClient, user: Headers, make_order: Maker
):
    path = f"/api/v1/orders/{(await make_order())['id']}"
    keyed = user | {"Idempotency-Key": f"declined{path}"}
    declined = await client.post(f"{path}/payments", json={"method": "card_declined"}, headers=keyed)
    assert (declined.status_code, declined.json()["code"]) == (402, "payment_declined")
    assert declined.headers["content-type"] == "application/problem+json"
    assert declined.json()["instance"] == f"{path}/payments"
    assert (await client.get(path, headers=user)).json()["status"] == "pending"
    replayed = await client.post(f"{path}/payments", json={"method": "card_declined"}, headers=keyed)
    assert (replayed.status_code, replayed.headers["idempotent-replayed"]) == (402, "true")
    assert replayed.headers["content-type"] == "application/problem+json"
    assert (await client.post(f"{path}/payments", json={"method": "card"}, headers=user)).status_code == 201
    listed = (await client.get(f"{path}/payments", headers=user)).json()
    assert [payment["status"] for payment in listed["items"]] == ["declined", "succeeded"]
    assert listed["total"] == 2


async def test_simultaneous_payments_charge_once(
    settings: OrdersSettings, signer: Signer, user: Headers, database: Database, make_order: Maker
):
    """The provider is watched, not replaced: what it is asked is what would cost money."""
    charged: list[Charge] = []

    class SlowProvider:
        async def charge(self, charge: Charge) -> bool:
            charged.append(charge)
            await asyncio.sleep(0.2)
            return True

        async def was_charged(self, charge: Charge) -> bool:
            raise AssertionError(charge)

        async def refund(self, charge: Charge) -> None:
            raise AssertionError(charge)

    order = await make_order()
    async with running(create_application(settings, signer, SlowProvider())) as client:
        path = f"/api/v1/orders/{order['id']}/payments"
        answers = await asyncio.gather(*(client.post(path, headers=user) for _ in range(6)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    assert [charge.reference for charge in charged] == [f"orders/{order['id']}"]
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM payments WHERE order_id = $1", order["id"]) == 1


async def test_payments_with_one_key_are_one_payment(client: httpx.AsyncClient, user: Headers, make_order: Maker):
    path = f"/api/v1/orders/{(await make_order())['id']}/payments"
    keyed = user | {"Idempotency-Key": f"pay{path}"}
    first = await client.post(path, json={"method": "card"}, headers=keyed)
    second = await client.post(path, json={"method": "card"}, headers=keyed)
    assert first.status_code == second.status_code == 201
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    other = await client.post(path, json={"method": "card_declined"}, headers=keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_not_even_an_admin_pays_another_s_order(client: httpx.AsyncClient, admin: Headers, make_order: Maker):
    path = f"/api/v1/orders/{(await make_order())['id']}/payments"
    refused = await client.post(path, headers=admin)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await client.get(path, headers=admin)).json()["total"] == 0


@pytest.mark.parametrize("body", [{"method": "gold"}, {"method": None}, {"method": 1}])
async def test_a_method_that_is_none(client: httpx.AsyncClient, user: Headers, make_order: Maker, body: Any):
    path = f"/api/v1/orders/{(await make_order())['id']}/payments"
    refused = await client.post(path, json=body, headers=user)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "method")
