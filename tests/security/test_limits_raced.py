"""OWASP API4, API6: what is allowed once, or so often, is not had more often by asking many times at once."""

import asyncio
import secrets
from collections import Counter
from typing import Any

import httpx
import pytest
from belongings import Owner, a_schedule
from e2e_system import Person, System, new_product, place_order, register

from shared.testing.waiting import PATIENCE_SECONDS

AT_ONCE = 25


Call = tuple[str, str, dict[str, Any]]


def all_at_once(system: System, calls: list[Call]) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(
            base_url=system.gateway, timeout=PATIENCE_SECONDS, limits=limits, trust_env=False
        ) as client:
            return await asyncio.gather(
                *(client.request(method, f"/api/v1{path}", **how) for method, path, how in calls)
            )

    answers = asyncio.run(ask())
    assert all(answer.status_code < 500 for answer in answers), statuses(answers)
    return answers


def at_once(system: System, count: int, method: str, path: str, **options: Any) -> list[httpx.Response]:
    return all_at_once(system, [(method, path, options)] * count)


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_an_order_is_paid_once(client: httpx.Client, boss: Person, person: Person, system: System):
    order = place_order(client, person, new_product(client, boss)["id"])
    path = f"/orders/{order['id']}/payments"
    answers = at_once(system, AT_ONCE, "POST", path, json={}, headers=person.headers)
    assert statuses(answers) == {201: 1, 409: AT_ONCE - 1}
    payments = client.get(f"/api/v1{path}", headers=person.headers).json()
    assert [payment["status"] for payment in payments["items"]].count("succeeded") == 1


def test_a_cancelled_order_gives_its_stock_back_once(
    client: httpx.Client, boss: Person, person: Person, system: System
):
    product = new_product(client, boss, stock=10)
    order = place_order(client, person, product["id"], 4)
    path, body = f"/orders/{order['id']}", {"status": "cancelled"}
    at_once(system, AT_ONCE, "PATCH", path, json=body, headers=person.headers)
    assert client.get(f"/api/v1/products/{product['id']}", headers={"Cache-Control": "no-cache"}).json()["stock"] == 10


def test_an_order_paid_and_cancelled_at_once_is_one_of_them(
    client: httpx.Client, boss: Person, person: Person, system: System
):
    product = new_product(client, boss, stock=10)
    order = place_order(client, person, product["id"], 4)
    path = f"/orders/{order['id']}"
    pay: Call = ("POST", f"{path}/payments", {"json": {}, "headers": person.headers})
    cancel: Call = ("PATCH", path, {"json": {"status": "cancelled"}, "headers": person.headers})
    all_at_once(system, [pay, cancel] * 5)
    status = client.get(f"/api/v1{path}", headers=person.headers).json()["status"]
    stock = client.get(f"/api/v1/products/{product['id']}", headers={"Cache-Control": "no-cache"}).json()["stock"]
    assert (status, stock) in {("paid", 6), ("cancelled", 10)}


def test_auth_3_of_many_refreshes_at_once_one_wins_and_the_family_ends(client: httpx.Client, system: System):
    person = register(client)
    body = {"refresh_token": person.refresh_token}
    answers = at_once(system, AT_ONCE, "POST", "/auth/refresh", json=body)
    assert statuses(answers) == {200: 1, 401: AT_ONCE - 1}
    won = next(answer for answer in answers if answer.status_code == 200).json()
    after = client.post("/api/v1/auth/refresh", json={"refresh_token": won["refresh_token"]})
    assert after.status_code == 401


@pytest.mark.parametrize(("path", "most"), [("/users/me/api-keys", 20), ("/report-schedules", 20), ("/webhooks", 10)])
def test_a_limit_of_objects_holds_for_many_at_once(path: str, most: int, owner: Owner, person: Person, system: System):
    client = owner.client
    body: dict[str, object] = {
        "/users/me/api-keys": {"name": "race"},
        "/report-schedules": a_schedule(),
        "/webhooks": {"url": owner.receiver.url, "events": ["orders.placed.v1"]},
    }[path]
    answers = at_once(system, 40, "POST", path, json=body, headers=person.headers)
    assert statuses(answers) == {201: most, 409: 40 - most}
    assert client.get(f"/api/v1{path}", headers=person.headers).json()["total"] == most
    assert client.post(f"/api/v1{path}", json=body, headers=person.headers).status_code == 409


def test_reports_that_are_not_finished_are_bounded(client: httpx.Client, person: Person, system: System):
    body = {"type": "order_summary", "format": "json", "params": {}}
    answers = at_once(system, 60, "POST", "/reports", json=body, headers=person.headers)
    found = statuses(answers)
    assert set(found) <= {202, 409}
    assert client.get("/api/v1/reports", headers=person.headers).json()["total"] == found[202]


def test_one_key_of_many_people_is_a_key_of_each(
    client: httpx.Client, boss: Person, system: System, person: Person, stranger: Person
):
    """An Idempotency-Key that somebody else guessed or saw gets them nothing of its owner's answer."""
    product = new_product(client, boss, stock=50)
    body = {"items": [{"product_id": product["id"], "quantity": 1}]}
    key = secrets.token_hex(8)
    answers = [
        answer
        for who in (person, stranger)
        for answer in at_once(system, 20, "POST", "/orders", json=body, headers={**who.headers, "Idempotency-Key": key})
        if answer.status_code == 201
    ]
    owners = {answer.json()["user_id"]: answer.json()["id"] for answer in answers}
    assert set(owners) == {person.id, stranger.id}
    assert len({answer.json()["id"] for answer in answers}) == 2


def test_of_many_changes_of_a_password_at_once_the_last_login_that_stands_is_right(
    client: httpx.Client, person: Person, system: System
):
    bodies = [{"current_password": person.password, "new_password": f"Other{n}Horse{n}"} for n in range(5)]
    changes = [("PUT", "/users/me/password", {"json": body, "headers": person.headers}) for body in bodies]
    answers = all_at_once(system, changes)
    assert {answer.status_code for answer in answers} <= {204, 401, 403, 409}
    assert [answer.status_code for answer in answers].count(204) == 1
    logins = [
        client.post("/api/v1/auth/login", json={"email": person.email, "password": password}).status_code
        for password in (person.password, *(body["new_password"] for body in bodies))
    ]
    assert logins.count(200) == 1
    assert logins[0] == 401
