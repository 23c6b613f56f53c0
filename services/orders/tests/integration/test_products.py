"""Products over HTTP, as the contract words them."""

import httpx


async def test_an_admin_adds_and_everyone_reads(client: httpx.AsyncClient, admin: dict[str, str]):
    body = {"sku": "FIRST-1", "name": "White mug", "price": "9.90", "stock": 3}
    added = await client.post("/api/v1/products", json=body, headers=admin)
    assert added.status_code == 201, added.text
    product = added.json()
    assert product == {**body, "id": product["id"], "description": "", "currency": "EUR"}
    assert added.headers["location"] == f"/api/v1/products/{product['id']}"

    read = await client.get(added.headers["location"])
    assert (read.status_code, read.json()) == (200, product)
    assert read.headers["cache-control"] == "public, max-age=60"
    again = await client.get(added.headers["location"], headers={"If-None-Match": read.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == read.headers["etag"]
    assert again.headers["cache-control"] == "public, max-age=60"
