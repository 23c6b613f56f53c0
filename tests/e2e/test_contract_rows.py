"""The HTTP contract row by row: users, tokens, products, orders, payments, reports."""

import secrets

import httpx
import pytest
from e2e_system import Person, finished_report, new_product, place_order, register, sign_in
from test_contract_http import assert_problem

UNKNOWN = 999_999_999


def test_registration_takes_name_email_password_and_nothing_else(client: httpx.Client):
    email = f"{secrets.token_hex(8)}@example.com"
    body = {"name": "Jürgen O'Neill-Smith", "email": email, "password": "Correct1Horse"}
    made = client.post("/api/v1/users", json={**body, "role": "admin", "is_admin": True, "id": 1})
    assert made.status_code == 201
    assert set(made.json()) == {"id", "name", "email", "role", "created_at", "email_verified"}
    assert made.json()["role"] == "user"
    assert made.headers["Location"] == f"/api/v1/users/{made.json()['id']}"
    assert made.json()["created_at"].endswith("Z")
    again = client.post("/api/v1/users", json={**body, "email": email.upper(), "password": "Another1Horse"})
    assert again.status_code == 201, "auth 4: a taken address is answered as a free one is"
    assert set(again.json()) == set(made.json())
    refused = client.post("/api/v1/auth/login", json={"email": email, "password": "Another1Horse"})
    assert refused.status_code == 401
    assert sign_in(client, email, "Correct1Horse")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "Robert'); DROP TABLE users;--"),
        ("name", "a1"),
        ("email", "not-an-address"),
        ("password", "short1A"),
        ("password", "alllowercase1"),
        ("password", "NoDigitsHere"),
        ("password", "A1" + "x" * 127),
        ("password", None),
    ],
)
def test_registration_refuses_what_breaks_a_rule(client: httpx.Client, field: str, value: object):
    body = {"name": "Ada", "email": f"{secrets.token_hex(8)}@example.com", "password": "Correct1Horse", field: value}
    refused = client.post("/api/v1/users", json=body)
    assert_problem(refused, 422, "validation_error")
    assert field in {error["field"] for error in refused.json()["errors"]}


def test_login_refresh_logout(client: httpx.Client):
    person = register(client)
    tokens = sign_in(client, person.email.upper(), person.password)
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] > 0
    unknown = client.post("/api/v1/auth/login", json={"email": "nobody@example.com", "password": "Correct1Horse"})
    wrong = client.post("/api/v1/auth/login", json={"email": person.email, "password": "Wrong1Horse"})
    assert_problem(unknown, 401, "invalid_credentials")
    assert_problem(wrong, 401, "invalid_credentials")
    assert {**unknown.json(), "trace_id": ""} == {**wrong.json(), "trace_id": ""}

    rotated = client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert rotated.status_code == 200
    assert rotated.json()["refresh_token"] != tokens["refresh_token"]
    reused = client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert reused.status_code == 401
    family = client.post("/api/v1/auth/refresh", json={"refresh_token": rotated.json()["refresh_token"]})
    assert family.status_code == 401, "auth 3: a token used twice ends its whole family"

    again = sign_in(client, person.email, person.password)
    headers = {"Authorization": f"Bearer {again['access_token']}"}
    out = client.post("/api/v1/auth/logout", json={"refresh_token": again["refresh_token"]}, headers=headers)
    assert out.status_code == 204
    after = client.post("/api/v1/auth/refresh", json={"refresh_token": again["refresh_token"]})
    assert after.status_code == 401


def test_users_for_self_and_admin(client: httpx.Client, boss: Person, person: Person):
    other = register(client, "Grace Hopper")
    assert_problem(client.get("/api/v1/users", headers=person.headers), 403)
    page = client.get("/api/v1/users?page=1&page_size=2&role=user", headers=boss.headers).json()
    assert set(page) == {"items", "total", "page", "page_size"}
    assert (len(page["items"]), page["page_size"]) == (2, 2)
    for bad in ("page_size=101", "page_size=0", "page=0"):
        assert_problem(client.get(f"/api/v1/users?{bad}", headers=boss.headers), 422)

    me = client.get("/api/v1/users/me", headers=person.headers)
    assert me.json()["id"] == person.id
    assert me.headers["ETag"]
    assert_problem(client.get(f"/api/v1/users/{other.id}", headers=person.headers), 404)
    assert client.get(f"/api/v1/users/{other.id}", headers=boss.headers).status_code == 200
    assert_problem(client.get(f"/api/v1/users/{UNKNOWN}", headers=boss.headers), 404, "user_not_found")

    path = f"/api/v1/users/{person.id}"
    patched = client.patch(path, json={"name": "Ada King"}, headers={**person.headers, "If-Match": me.headers["ETag"]})
    assert (patched.status_code, patched.json()["name"]) == (200, "Ada King")
    stale = client.patch(path, json={"name": "Ada"}, headers={**person.headers, "If-Match": me.headers["ETag"]})
    assert_problem(stale, 412)
    assert_problem(client.patch(path, json={"role": "admin"}, headers=person.headers), 403)
    put = client.put(path, json={"name": "Ada B", "email": person.email}, headers=person.headers)
    assert (put.status_code, put.json()["name"]) == (200, "Ada B")
    promoted = client.patch(f"/api/v1/users/{other.id}", json={"role": "admin"}, headers=boss.headers)
    assert (promoted.status_code, promoted.json()["role"]) == (200, "admin")

    assert client.delete(path, headers=person.headers).status_code == 204
    assert_problem(client.get(path, headers=boss.headers), 404)
    refused = client.post("/api/v1/auth/login", json={"email": person.email, "password": person.password})
    assert refused.status_code == 401


def test_v2_of_a_user(client: httpx.Client, person: Person):
    user = client.get(f"/api/v2/users/{person.id}", headers=person.headers).json()
    assert set(user) == {"id", "name", "email", "role", "created_at", "email_verified", "links"}
    assert user["name"] == {"first": "Ada", "last": "Lovelace"}
    assert user["links"]["self"].endswith(f"/api/v2/users/{person.id}")


def test_sessions_can_be_ended(client: httpx.Client, person: Person):
    sessions = client.get("/api/v1/users/me/sessions", headers=person.headers).json()["items"]
    assert len(sessions) == 1
    ended = client.delete(f"/api/v1/users/me/sessions/{sessions[0]['id']}", headers=person.headers)
    assert ended.status_code == 204
    after = client.post("/api/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    assert after.status_code == 401


def test_products(client: httpx.Client, boss: Person, person: Person):
    listed = client.get("/api/v1/products?page_size=100").json()
    assert listed["total"] >= 12
    sample = listed["items"][0]
    assert set(sample) == {"id", "sku", "name", "description", "price", "currency", "stock"}
    assert isinstance(sample["price"], str)

    body = {"sku": f"K-{secrets.token_hex(4)}", "name": "Kettle", "price": "19.90", "stock": 5}
    assert_problem(client.post("/api/v1/products", json=body), 401)
    assert_problem(client.post("/api/v1/products", json=body, headers=person.headers), 403)
    made = client.post("/api/v1/products", json=body, headers=boss.headers)
    assert made.status_code == 201
    path = made.headers["Location"]
    assert path == f"/api/v1/products/{made.json()['id']}"
    assert made.json()["price"] == "19.90"
    assert_problem(client.post("/api/v1/products", json=body, headers=boss.headers), 409)
    for wrong in ({"price": "-1"}, {"price": "1.234"}, {"stock": -1}, {"price": "x"}):
        refused = client.post("/api/v1/products", json={**body, "sku": "N1", **wrong}, headers=boss.headers)
        assert_problem(refused, 422)
    tag = client.get(path).headers["ETag"]
    replaced = client.put(path, json={**body, "name": "Kettle 2"}, headers={**boss.headers, "If-Match": tag})
    assert (replaced.status_code, replaced.json()["name"]) == (200, "Kettle 2")
    stale = client.patch(path, json={"stock": 9}, headers={**boss.headers, "If-Match": tag})
    assert_problem(stale, 412)
    assert client.patch(path, json={"stock": 9}, headers=boss.headers).json()["stock"] == 9
    # Each of them is seen at once, though a product may be kept for a minute.
    for version in ("v1", "v2"):
        assert client.get(path.replace("v1", version)).json()["stock"] == 9
    assert client.patch(path, json={"stock": 8}, headers=boss.headers).json()["stock"] == 8
    for version in ("v1", "v2"):
        assert client.get(path.replace("v1", version)).json()["stock"] == 8
    assert client.delete(path, headers=boss.headers).status_code == 204
    assert_problem(client.get(path), 404, "product_not_found")
    assert "links" in client.get(f"/api/v2/products/{sample['id']}").json()


def test_orders_and_their_states(client: httpx.Client, boss: Person, person: Person):
    product = new_product(client, boss, stock=10, price="0.10")
    order = place_order(client, person, product["id"], 3)
    assert set(order) == {"id", "user_id", "status", "items", "total", "currency", "created_at"}
    assert order["items"] == [
        {
            "product_id": product["id"],
            "sku": product["sku"],
            "name": product["name"],
            "quantity": 3,
            "unit_price": "0.10",
        }
    ]
    assert order["total"] == "0.30"
    path = f"/api/v1/orders/{order['id']}"
    stranger = register(client)
    assert_problem(client.get(path, headers=stranger.headers), 404, "order_not_found")
    assert_problem(client.patch(path, json={"status": "cancelled"}, headers=stranger.headers), 404)
    assert_problem(client.post(f"{path}/payments", json={}, headers=stranger.headers), 404)
    assert client.get(path, headers=boss.headers).status_code == 200
    assert_problem(client.patch(path, json={"status": "shipped"}, headers=person.headers), 403)
    assert_problem(client.patch(path, json={"status": "delivered"}, headers=boss.headers), 409)
    assert_problem(client.patch(path, json={"status": "lost"}, headers=boss.headers), 422)

    declined = client.post(f"{path}/payments", json={"method": "card_declined"}, headers=person.headers)
    assert_problem(declined, 402, "payment_declined")
    key = {**person.headers, "Idempotency-Key": secrets.token_hex(8)}
    paid = client.post(f"{path}/payments", json={}, headers=key)
    assert paid.status_code == 201
    assert client.post(f"{path}/payments", json={}, headers=key).headers["Idempotent-Replayed"] == "true"
    assert_problem(client.post(f"{path}/payments", json={}, headers=person.headers), 409)
    for status in ("shipped", "delivered"):
        assert client.patch(path, json={"status": status}, headers=boss.headers).json()["status"] == status
    assert_problem(client.patch(path, json={"status": "cancelled"}, headers=person.headers), 409)

    second = place_order(client, person, product["id"], 7)
    cancelled = client.patch(f"/api/v1/orders/{second['id']}", json={"status": "cancelled"}, headers=person.headers)
    assert cancelled.json()["status"] == "cancelled"
    assert client.get(f"/api/v1/products/{product['id']}").json()["stock"] == 7
    sold_out = client.post(
        "/api/v1/orders", json={"items": [{"product_id": product["id"], "quantity": 8}]}, headers=person.headers
    )
    assert_problem(sold_out, 409, "out_of_stock")
    mine = client.get("/api/v1/orders", headers=person.headers).json()
    assert {order["id"] for order in mine["items"]} == {order["id"], second["id"]}
    assert "links" in client.get(f"/api/v2/orders/{order['id']}", headers=person.headers).json()
    assert_problem(client.get(f"/api/v1/users/{stranger.id}/orders", headers=person.headers), 404)


def test_idempotency(client: httpx.Client, person: Person, product: dict[str, int]):
    headers = {**person.headers, "Idempotency-Key": secrets.token_hex(8)}
    body = {"items": [{"product_id": product["id"], "quantity": 1}]}
    first = client.post("/api/v1/orders", json=body, headers=headers)
    assert client.post("/api/v1/orders", json=body, headers=headers).json() == first.json()
    body["items"][0]["quantity"] = 2
    assert_problem(client.post("/api/v1/orders", json=body, headers=headers), 422, "idempotency_key_reused")


def test_reports(client: httpx.Client, person: Person):
    stranger = register(client)
    for wrong in ({"type": "nonsense", "format": "pdf"}, {"type": "order_summary", "format": "doc"}):
        assert_problem(client.post("/api/v1/reports", json=wrong, headers=person.headers), 422)
    backwards = {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    body = {"type": "order_summary", "format": "pdf", "params": backwards}
    assert_problem(client.post("/api/v1/reports", json=body, headers=person.headers), 422)
    report = finished_report(client, person, "order_summary", "csv")
    assert {"id", "type", "format", "status", "progress", "error", "created_at", "finished_at"} <= set(report)
    path = f"/api/v1/reports/{report['id']}"
    for suffix in ("", "/content", "/events"):
        assert_problem(client.get(path + suffix, headers=stranger.headers), 404)
    assert_problem(client.delete(path, headers=stranger.headers), 404)
    content = client.get(f"{path}/content", headers={**person.headers, "Accept-Encoding": "identity"})
    tag = content.headers["ETag"]
    unchanged = client.get(
        f"{path}/content", headers={**person.headers, "If-None-Match": tag, "Accept-Encoding": "identity"}
    )
    assert unchanged.status_code == 304
    beyond = client.get(f"{path}/content", headers={**person.headers, "Range": "bytes=99999999-"})
    assert beyond.status_code == 416
    assert report["id"] in {
        item["id"] for item in client.get("/api/v1/reports", headers=person.headers).json()["items"]
    }
    stream = client.get(f"{path}/events", headers=person.headers)
    assert "event: done" in stream.text
    assert client.delete(path, headers=person.headers).status_code == 204
    assert_problem(client.get(path, headers=person.headers), 404, "report_not_found")
