"""Orders over HTTP, as the contract words them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]


def lines(*pairs: tuple[int, int]) -> dict[str, Any]:
    return {"items": [{"product_id": product, "quantity": quantity} for product, quantity in pairs]}


async def stock_of(client: httpx.AsyncClient, product_id: int) -> int:
    return (await client.get(f"/api/v1/products/{product_id}")).json()["stock"]


async def test_an_order_is_placed_and_read(client: httpx.AsyncClient, user: Headers, user_id: int, make_product: Maker):
    mug, cap = await make_product(price="9.99", stock=5), await make_product(name="Cap", price="20.00", stock=5)
    asked = lines((cap["id"], 1), (mug["id"], 2))
    placed = await client.post("/api/v1/orders", json=asked, headers=user)
    assert placed.status_code == 201, placed.text
    order = placed.json()
    assert order == {
        "id": order["id"],
        "user_id": user_id,
        "status": "pending",
        "items": [
            {"product_id": cap["id"], "sku": cap["sku"], "name": "Cap", "quantity": 1, "unit_price": "20.00"},
            {"product_id": mug["id"], "sku": mug["sku"], "name": "White mug", "quantity": 2, "unit_price": "9.99"},
        ],
        "total": "39.98",
        "currency": "EUR",
        "created_at": order["created_at"],
    }
    assert datetime.fromisoformat(order["created_at"]).utcoffset() is not None
    assert order["created_at"].endswith("Z")
    assert placed.headers["location"] == f"/api/v1/orders/{order['id']}"
    read = await client.get(placed.headers["location"], headers=user)
    assert (read.status_code, read.json()) == (200, order)
    assert read.headers["etag"] == placed.headers["etag"]
    again = await client.get(placed.headers["location"], headers=user | {"If-None-Match": read.headers["etag"]})
    assert again.status_code == 304
    assert [await stock_of(client, product["id"]) for product in (mug, cap)] == [3, 4]


async def test_lines_of_one_product_are_added_up(client: httpx.AsyncClient, user: Headers, make_product: Maker):
    product = (await make_product(stock=5))["id"]
    placed = await client.post("/api/v1/orders", json=lines((product, 2), (product, 3)), headers=user)
    assert [item["quantity"] for item in placed.json()["items"]] == [5]
    assert await stock_of(client, product) == 0


async def test_what_is_out_of_stock_is_named_and_nothing_is_taken(
    client: httpx.AsyncClient, user: Headers, make_product: Maker
):
    enough, scarce = (await make_product(stock=5))["id"], (await make_product(stock=1))["id"]
    refused = await client.post("/api/v1/orders", json=lines((enough, 1), (scarce, 2)), headers=user)
    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert str(scarce) in refused.json()["detail"]
    assert refused.json()["errors"] == [{"field": "items.1.quantity", "message": "Not so many in stock."}]
    assert [await stock_of(client, enough), await stock_of(client, scarce)] == [5, 1]


async def test_products_that_cannot_be_ordered_are_named_by_field(
    client: httpx.AsyncClient, user: Headers, admin: Headers, make_product: Maker
):
    euros, francs, gone = (await make_product())["id"], (await make_product(currency="CHF"))["id"], await make_product()
    await client.delete(f"/api/v1/products/{gone['id']}", headers=admin)
    for asked, field in (
        (lines((euros, 1), (999_999_999, 1)), "items.1.product_id"),
        (lines((gone["id"], 1)), "items.0.product_id"),
        (lines((euros, 1), (francs, 1)), "items.1.product_id"),
        (lines((euros, 600), (euros, 600)), "items.0.quantity"),
    ):
        refused = await client.post("/api/v1/orders", json=asked, headers=user)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_error")
        assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert await stock_of(client, euros) == 100


async def test_a_total_above_what_money_holds_is_refused(client: httpx.AsyncClient, user: Headers, make_product: Maker):
    product = (await make_product(price="9999999999.99"))["id"]
    refused = await client.post("/api/v1/orders", json=lines((product, 2)), headers=user)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "items")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "items"),
        ({"items": []}, "items"),
        ({"items": [{"product_id": 1, "quantity": 1}] * 101}, "items"),
        ({"items": [{"product_id": 1, "quantity": 0}]}, "items.0.quantity"),
        ({"items": [{"product_id": 1, "quantity": 1001}]}, "items.0.quantity"),
        ({"items": [{"product_id": 1, "quantity": 1.5}]}, "items.0.quantity"),
        ({"items": [{"product_id": 1, "quantity": True}]}, "items.0.quantity"),
        ({"items": [{"product_id": 2**63, "quantity": 1}]}, "items.0.product_id"),
        ({"items": [{"product_id": "1", "quantity": 1}]}, "items.0.product_id"),
        ([], "body"),
    ],
)
async def test_a_body_that_breaks_a_rule(client: httpx.AsyncClient, user: Headers, body: Any, field: str):
    refused = await client.post("/api/v1/orders", json=body, headers=user)
    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_a_body_that_does_not_parse_or_is_no_json(client: httpx.AsyncClient, user: Headers):
    json_headers = user | {"Content-Type": "application/json"}
    broken = await client.post("/api/v1/orders", content=b'{"items":', headers=json_headers)
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed_json")
    form = await client.post("/api/v1/orders", data={"items": "1"}, headers=user)
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")


async def test_without_a_token_or_its_scope(client: httpx.AsyncClient, signer: Any, user_id: int):
    for method, path in (("GET", "/orders"), ("POST", "/orders"), ("GET", "/orders/1"), ("PATCH", "/orders/1")):
        refused = await client.request(method, f"/api/v1{path}")
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert "www-authenticate" in refused.headers
    reader = signer.headers(user_id, scope="orders:read")
    assert (await client.get("/api/v1/orders", headers=reader)).status_code == 200
    refused = await client.post("/api/v1/orders", json=lines((1, 1)), headers=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


async def test_another_s_order_does_not_exist(
    client: httpx.AsyncClient, stranger: Headers, admin: Headers, make_order: Maker
):
    order = await make_order()
    path = f"/api/v1/orders/{order['id']}"
    for request in (
        client.get(path, headers=stranger),
        client.patch(path, json={"status": "cancelled"}, headers=stranger),
        client.patch(path, json={"status": "paid"}, headers=stranger),
        client.post(f"{path}/payments", headers=stranger),
        client.get(f"{path}/payments", headers=stranger),
        client.get(f"{path}/payments/1", headers=stranger),
    ):
        answer = await request
        assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
    assert (await client.get(f"/api/v1/users/{order['user_id']}/orders", headers=stranger)).status_code == 404
    seen = await client.get(f"/api/v1/orders?user_id={order['user_id']}", headers=stranger)
    assert (seen.status_code, seen.json()["total"]) == (200, 0)
    assert (await client.get(path, headers=admin)).json() == order


async def test_lists_are_pages_of_the_caller_s_orders(
    client: httpx.AsyncClient, user: Headers, user_id: int, admin: Headers, make_order: Maker
):
    made = [(await make_order())["id"] for _ in range(3)]
    await client.patch(f"/api/v1/orders/{made[0]}", json={"status": "cancelled"}, headers=user)
    first = (await client.get("/api/v1/orders?page_size=2", headers=user)).json()
    assert {key: first[key] for key in ("total", "page", "page_size")} == {"total": 3, "page": 1, "page_size": 2}
    second = (await client.get("/api/v1/orders?page_size=2&page=2", headers=user)).json()
    assert [order["id"] for order in first["items"] + second["items"]] == made[::-1]
    for path, headers in (
        ("/orders?status=cancelled", user),
        (f"/orders?status=cancelled&user_id={user_id}", admin),
    ):
        found = (await client.get(f"/api/v1{path}", headers=headers)).json()
        assert [order["id"] for order in found["items"]] == made[:1]
    own = (await client.get(f"/api/v1/users/{user_id}/orders", headers=user)).json()
    assert [order["id"] for order in own["items"]] == made[::-1]
    for wrong in ("page=0", "page_size=0", "page_size=101", "status=lost", "page=x"):
        assert (await client.get(f"/api/v1/orders?{wrong}", headers=user)).status_code == 422


async def test_version_2_carries_links(client: httpx.AsyncClient, user: Headers, make_product: Maker):
    product = await make_product()
    placed = await client.post("/api/v2/orders", json=lines((product["id"], 1)), headers=user)
    order = placed.json()
    here = f"/api/v2/orders/{order['id']}"
    assert placed.headers["location"] == here
    assert order["links"] == {"self": here, "payments": f"{here}/payments", "user": f"/api/v2/users/{order['user_id']}"}
    listed = (await client.get("/api/v2/orders", headers=user)).json()["items"]
    assert (
        listed
        == [order]
        == (await client.get(f"/api/v2/users/{order['user_id']}/orders", headers=user)).json()["items"]
    )
    read = (await client.get(f"/api/v2/products/{product['id']}")).json()
    assert read == {**product, "stock": 99, "links": {"self": f"/api/v2/products/{product['id']}"}}
