"""Products over HTTP, as the contract words them."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from shared.postgres import Database

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]


async def test_an_admin_adds_and_everyone_reads(client: httpx.AsyncClient, admin: Headers):
    body = {"sku": "FIRST-1", "name": "White mug", "price": "9.9", "stock": 3}
    added = await client.post("/api/v1/products", json=body, headers=admin)
    assert added.status_code == 201, added.text
    product = added.json()
    assert product == {**body, "id": product["id"], "price": "9.90", "description": "", "currency": "EUR"}
    assert added.headers["location"] == f"/api/v1/products/{product['id']}"

    read = await client.get(added.headers["location"])
    assert (read.status_code, read.json()) == (200, product)
    assert read.headers["cache-control"] == "public, max-age=60"
    again = await client.get(added.headers["location"], headers={"If-None-Match": read.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == read.headers["etag"]
    assert again.headers["cache-control"] == "public, max-age=60"


async def test_the_etag_follows_the_stock_too(client: httpx.AsyncClient, make_product: Maker, make_order: Maker):
    product = await make_product()
    path = f"/api/v1/products/{product['id']}"
    before = (await client.get(path)).headers["etag"]
    await make_order(product_id=product["id"])
    assert (await client.get(path, headers={"If-None-Match": before})).status_code == 200


async def test_put_replaces_and_patch_changes(client: httpx.AsyncClient, admin: Headers, make_product: Maker):
    product = await make_product(description="Old", currency="CHF")
    path = f"/api/v1/products/{product['id']}"
    whole = {"sku": product["sku"], "name": "Red mug", "price": "12.00", "stock": 7}
    replaced = await client.put(path, json=whole, headers=admin)
    assert replaced.json() == {**whole, "id": product["id"], "description": "", "currency": "EUR"}
    changed = await client.patch(path, json={"stock": 8, "colour": "ignored"}, headers=admin)
    assert (changed.status_code, changed.json()) == (200, {**replaced.json(), "stock": 8})
    assert changed.headers["etag"] != replaced.headers["etag"]
    assert (await client.get(path)).json() == changed.json()
    nulled = await client.patch(path, json={"name": None}, headers=admin)
    assert (nulled.status_code, nulled.json()["errors"][0]["field"]) == (422, "name")


async def test_a_change_of_an_old_version_is_refused(client: httpx.AsyncClient, admin: Headers, make_product: Maker):
    path = f"/api/v1/products/{(await make_product())['id']}"
    old = (await client.get(path)).headers["etag"]
    assert (await client.patch(path, json={"stock": 1}, headers=admin | {"If-Match": old})).status_code == 200
    whole = {"sku": "NEVER", "name": "Never", "price": "1", "stock": 0}
    for request in (
        client.patch(path, json={"stock": 2}, headers=admin | {"If-Match": old}),
        client.put(path, json=whole, headers=admin | {"If-Match": old}),
        client.delete(path, headers=admin | {"If-Match": old}),
    ):
        refused = await request
        assert (refused.status_code, refused.json()["code"]) == (412, "version_mismatch")
    assert (await client.get(path)).json()["stock"] == 1


async def test_a_deleted_product_is_gone_and_its_orders_keep_their_copy(
    client: httpx.AsyncClient, admin: Headers, user: Headers, make_product: Maker, make_order: Maker
):
    product = await make_product()
    order = await make_order(product_id=product["id"])
    path = f"/api/v1/products/{product['id']}"
    assert (await client.delete(path, headers=admin)).status_code == 204
    for request in (
        client.get(path),
        client.patch(path, json={"stock": 1}, headers=admin),
        client.delete(path, headers=admin),
    ):
        answer = await request
        assert (answer.status_code, answer.json()["code"]) == (404, "product_not_found")
    assert (await client.get(f"/api/v1/products?sku={product['sku']}")).json()["items"] == []
    kept = (await client.get(f"/api/v1/orders/{order['id']}", headers=user)).json()
    assert kept == order
    cancelled = await client.patch(f"/api/v1/orders/{order['id']}", json={"status": "cancelled"}, headers=user)
    assert cancelled.status_code == 200
    assert (await make_product(sku=product["sku"]))["id"] != product["id"]


async def test_a_sku_belongs_to_one_product(client: httpx.AsyncClient, admin: Headers, make_product: Maker):
    first, second = await make_product(), await make_product()
    body = {"sku": first["sku"], "name": "Again", "price": "1.00", "stock": 1}
    for request in (
        client.post("/api/v1/products", json=body, headers=admin),
        client.put(f"/api/v1/products/{second['id']}", json=body, headers=admin),
        client.patch(f"/api/v1/products/{second['id']}", json={"sku": first["sku"]}, headers=admin),
    ):
        refused = await request
        assert (refused.status_code, refused.json()["code"]) == (409, "sku_taken")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"price": 9.99}, "price"),
        ({"price": "0.00"}, "price"),
        ({"price": "1.999"}, "price"),
        ({"stock": -1}, "stock"),
        ({"stock": 2_000_000_000}, "stock"),
        ({"stock": "1"}, "stock"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"sku": "  "}, "sku"),
        ({"sku": "x" * 65}, "sku"),
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"description": "\0"}, "description"),
        ({"description": "x" * 10_001}, "description"),
    ],
)
async def test_fields_that_break_a_rule(client: httpx.AsyncClient, admin: Headers, wrong: Headers, field: str):
    body = {"sku": "WRONG", "name": "Wrong", "price": "1.00", "stock": 1, **wrong}
    for request in (
        client.post("/api/v1/products", json=body, headers=admin),
        client.patch("/api/v1/products/1", json=wrong, headers=admin),
    ):
        refused = await request
        assert refused.status_code == 422, refused.text
        assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_a_lone_surrogate_is_a_wrong_field(client: httpx.AsyncClient, admin: Headers):
    body = b'{"sku": "S", "name": "\\ud800", "price": "1.00", "stock": 1}'
    refused = await client.post("/api/v1/products", content=body, headers=admin | {"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_error")


async def test_only_an_admin_writes(client: httpx.AsyncClient, user: Headers, signer: Any, make_product: Maker):
    path = f"/api/v1/products/{(await make_product())['id']}"
    body = {"sku": "MINE", "name": "Mine", "price": "1.00", "stock": 1}
    reading_admin = signer.headers(1, role="admin", scope="orders:read admin")
    for method, where in (("POST", "/api/v1/products"), ("PUT", path), ("PATCH", path), ("DELETE", path)):
        json = None if method == "DELETE" else body
        assert (await client.request(method, where, json=json)).json()["code"] == "unauthorized"
        refused = await client.request(method, where, json=json, headers=user)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        refused = await client.request(method, where, json=json, headers=reading_admin)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


async def test_the_list_is_paged_and_searched(client: httpx.AsyncClient, make_product: Maker):
    made = [await make_product(name=f"Samovar number {number}") for number in range(3)]
    page = (await client.get("/api/v1/products", params={"q": "samovar", "page_size": 2})).json()
    assert page == {"items": made[:2], "total": 3, "page": 1, "page_size": 2}
    beyond = (await client.get("/api/v1/products", params={"q": "samovar", "page": 9})).json()
    assert (beyond["items"], beyond["total"]) == ([], 3)
    one = (await client.get("/api/v1/products", params={"sku": made[1]["sku"]})).json()
    assert one["items"] == [made[1]]
    for harmless in ("' OR 1=1 --", "&|!():*", '"', "\\"):
        assert (await client.get("/api/v1/products", params={"q": harmless})).status_code == 200
    for wrong in ({"page": 0}, {"page_size": 101}, {"page_size": "x"}):
        assert (await client.get("/api/v1/products", params=wrong)).status_code == 422


async def test_ids_that_are_none(client: httpx.AsyncClient):
    assert (await client.get("/api/v1/products/999999999")).status_code == 404
    for wrong in ("0", "-1", "x", str(2**63), "1.5"):
        assert (await client.get(f"/api/v1/products/{wrong}")).status_code == 422


async def test_a_method_that_is_not_there_names_those_that_are(client: httpx.AsyncClient, admin: Headers):
    refused = await client.put("/api/v1/products", headers=admin)
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, POST, HEAD"
    refused = await client.post("/api/v1/products/1", headers=admin)
    assert refused.headers["allow"] == "GET, PUT, PATCH, DELETE, HEAD"


async def test_a_path_with_a_slash_too_many_is_another_path(client: httpx.AsyncClient):
    answer = await client.get("/api/v1/products/")
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")


async def test_a_change_that_changes_nothing_is_no_new_version(
    client: httpx.AsyncClient, admin: Headers, database: Database, make_product: Maker
):
    product = await make_product(price="9.90")
    where = f"/api/v1/products/{product['id']}"
    same = {name: product[name] for name in ("sku", "name", "description", "price", "currency", "stock")}
    for method, body in (("PATCH", {}), ("PATCH", {"price": "9.9"}), ("PUT", same)):
        answer = await client.request(method, where, json=body, headers=admin)
        assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, product, '"1"')
    async with database.acquire() as connection:
        told = await connection.fetchval("SELECT count(*) FROM outbox WHERE subject = $1", f"products/{product['id']}")
    assert told == 1
