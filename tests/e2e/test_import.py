"""A catalogue by file, through the gateway: what was sent is for sale, what was wrong is told by its line."""

import secrets

import httpx
from e2e_system import Person, eventually, place_order


def test_an_admin_imports_products_and_a_user_buys_one(client: httpx.Client, boss: Person, person: Person):
    batch = f"FILE-{secrets.token_hex(4)}".upper()
    content = f"sku,name,price,stock\n{batch}-1,Green tea,9.99,5\n{batch}-2,Cup,no price,5\n"

    def send(who: Person) -> httpx.Response:
        headers = {**who.headers, "Content-Type": "text/csv"}
        return client.post("/api/v1/products/imports", params={"mode": "skip_bad"}, content=content, headers=headers)

    assert send(person).status_code == 403
    accepted = send(boss)
    assert accepted.status_code == 202, accepted.text
    where = accepted.headers["location"]
    eventually(
        lambda: client.get(where, headers=boss.headers).json()["finished_at"], seconds=240, what="the import finished"
    )
    done = client.get(where, headers=boss.headers).json()
    assert done["status"] == "succeeded", done
    errors = client.get(f"{where}/errors", headers=boss.headers)
    assert [(error["line"], error["field"]) for error in errors.json()["items"]] == [(3, "price")]
    [product] = client.get("/api/v1/products", params={"sku": f"{batch}-1"}).json()["items"]
    place_order(client, person, product["id"])
    assert client.get(f"/api/v1/products/{product['id']}").json()["stock"] == 4
