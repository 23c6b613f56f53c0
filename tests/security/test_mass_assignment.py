"""OWASP API3: whatever else a body names, only what the document lets the client say is taken.

Each right body is sent twice to objects of their own: as it is, and with every field that the answer showed, and those
that attackers try, set to something else.
"""

from typing import Any

import httpx
import pytest
from access_matrix import Row, rows, unversioned
from belongings import Owner, newcomer
from e2e_system import Person, new_product
from right_bodies import BODIES
from signing import claims_of

TRIED: dict[str, object] = {
    "id": 987654321,
    "user_id": 987654321,
    "owner_id": 987654321,
    "role": "admin",
    "roles": ["admin"],
    "is_admin": True,
    "admin": True,
    "tier": "pro",
    "scope": "admin",
    "scopes": ["admin"],
    "status": "delivered",
    "total": "0.01",
    "price": "0.01",
    "unit_price": "0.01",
    "amount": "0.01",
    "version": 987654321,
    "created_at": "2001-02-03T04:05:06Z",
    "updated_at": "2001-02-03T04:05:06Z",
    "deleted_at": None,
    "email_verified": True,
    "email_verified_at": "2001-02-03T04:05:06Z",
    "is_active": True,
    "password_hash": "$2b$04$hostile",
    "__proto__": {"role": "admin"},
    "$set": {"role": "admin"},
}


def json_rows() -> list[Row]:
    return [
        row
        for row in rows()
        if row.name in BODIES and min(row.expected.get("own", 999), row.expected.get("admin", 999)) < 300
    ]


def taken(document: dict[str, Any], row: Row) -> set[str]:
    """The fields that the document lets a client name in this body."""
    for path, item in document["paths"].items():
        if unversioned(path) == row.path and row.method.lower() in item:
            content = item[row.method.lower()]["requestBody"]["content"]
            schema = content.get("application/json", {}).get("schema", {})
            return _properties(document, schema)
    raise AssertionError(row)


def _properties(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    if reference := schema.get("$ref"):
        return _properties(document, document["components"]["schemas"][reference.rpartition("/")[2]])
    found = set(schema.get("properties", {}))
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        found |= _properties(document, part)
    return found


def other_than(value: object) -> object:
    """Something of the same kind that is not this."""
    match value:
        case bool():
            return not value
        case int():
            return value + 987654321
        case str() if value[:2] == "20" and value.endswith("Z"):
            return "2001-02-03T04:05:06Z"
        case str():
            return "hostile"
        case list():
            return ["hostile"]
        case _:
            return 987654321


def sent(client: httpx.Client, row: Row, more: dict[str, object], owner: Owner) -> dict[str, Any]:
    """The answer to the row's right body with ``more`` in it, on an object of its own."""
    whose = newcomer(owner.client, owner.boss, owner.receiver)
    who = whose.person if row.expected.get("own", 999) < 300 else owner.boss
    path = whose.path(row.path)
    body = BODIES[row.name](whose)["json"] | more
    answer = client.request(row.method, f"/api/v1{path}", json=body, headers=who.headers)
    assert answer.is_success, (more, answer.text)
    return answer.json() if answer.content else {}


@pytest.mark.parametrize("row", json_rows(), ids=lambda row: row.name)
def test_a_field_that_is_not_the_clients_to_say_changes_nothing(
    row: Row, client: httpx.Client, owner: Owner, document: dict[str, Any]
):
    if "json" not in BODIES[row.name](owner):
        return
    allowed = taken(document, row)
    usual = sent(client, row, {}, owner)
    hostile = {**TRIED, **{name: other_than(value) for name, value in usual.items() if name not in TRIED}}
    hostile = {name: value for name, value in hostile.items() if name not in allowed}
    found = sent(client, row, hostile, owner)
    assert set(found) == set(usual)
    believed = {name: value for name, value in found.items() if name in hostile and value == hostile[name] is not None}
    assert not believed


def test_a_line_of_an_order_names_no_price(client: httpx.Client, boss: Person, person: Person):
    product = new_product(client, boss, price="9.99")
    line = {"product_id": product["id"], "quantity": 2, "unit_price": "0.01", "price": "0.01", "name": "x", "sku": "x"}
    answer = client.post("/api/v1/orders", json={"items": [line], "total": "0.02"}, headers=person.headers)
    order = answer.json()
    assert (answer.status_code, order["total"], order["items"][0]["unit_price"]) == (201, "19.98", "9.99")
    assert order["items"][0]["sku"] == product["sku"]


def test_no_body_makes_a_user_more_than_a_user(client: httpx.Client, person: Person):
    """Neither registration, nor a change of oneself, nor a login: the next token says what the account is."""
    more = {"tier": "pro", "is_admin": True, "scope": "admin", "scopes": ["admin"]}
    path = f"/api/v1/users/{person.id}"
    assert client.patch(path, json={"name": "Ada", **more}, headers=person.headers).status_code == 200
    body = {"email": person.email, "password": person.password, "role": "admin", **more}
    token = client.post("/api/v1/auth/login", json=body).json()["access_token"]
    claims = claims_of(token)
    assert (claims["role"], claims["tier"], claims["sub"]) == ("user", "free", str(person.id))
    assert "admin" not in claims["scope"].split()
    for role in ("admin", "service", "Admin", "user\n", "root"):
        refused = client.patch(path, json={"role": role}, headers=person.headers)
        assert refused.status_code in (403, 422), role
    key = {"name": "more", "scopes": ["admin"]}
    assert client.post("/api/v1/users/me/api-keys", json=key, headers=person.headers).status_code == 422
