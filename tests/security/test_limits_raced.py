"""OWASP API4, API6: what is allowed once, or so often, is not had more often by asking many times at once."""

import asyncio
import secrets
from collections import Counter
from typing import Any

import httpx
import pytest
from belongings import Owner, a_schedule, newcomer
from e2e_system import Person, new_product, place_order, register

AT_ONCE = 25


async def at_once(
    asking: httpx.AsyncClient, count: int, method: str, path: str, **options: Any
) -> list[httpx.Response]:
    answers = await asyncio.gather(*(asking.request(method, f"/api/v1{path}", **options) for _ in range(count)))
    assert all(answer.status_code < 500 for answer in answers), Counter(answer.status_code for answer in answers)
    return list(answers)


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_an_order_is_paid_once(client: httpx.Client, boss: Person, person: Person, asking: httpx.AsyncClient):
    order = place_order(client, person, new_product(client, boss)["id"])
    path = f"/orders/{order['id']}/payments"
    answers = await at_once(asking, AT_ONCE, "POST", path, json={}, headers=person.headers)
    assert statuses(answers) == {201: 1, 409: AT_ONCE - 1}
    payments = client.get(f"/api/v1{path}", headers=person.headers).json()
    assert [payment["status"] for payment in payments["items"]].count("succeeded") == 1


async def test_a_cancelled_order_gives_its_stock_back_once(
    client: httpx.Client, boss: Person, person: Person, asking: httpx.AsyncClient
):
    product = new_product(client, boss, stock=10)
    order = place_order(client, person, product["id"], 4)
    path, body = f"/orders/{order['id']}", {"status": "cancelled"}
    await at_once(asking, AT_ONCE, "PATCH", path, json=body, headers=person.headers)
    assert client.get(f"/api/v1/products/{product['id']}", headers={"Cache-Control": "no-cache"}).json()["stock"] == 10


async def test_an_order_paid_and_cancelled_at_once_is_one_of_them(
    client: httpx.Client, boss: Person, person: Person, asking: httpx.AsyncClient
):
    product = new_product(client, boss, stock=10)
    order = place_order(client, person, product["id"], 4)
    path = f"/orders/{order['id']}"
    await asyncio.gather(
        at_once(asking, 5, "POST", f"{path}/payments", json={}, headers=person.headers),
        at_once(asking, 5, "PATCH", path, json={"status": "cancelled"}, headers=person.headers),
    )
    status = client.get(f"/api/v1{path}", headers=person.headers).json()["status"]
    stock = client.get(f"/api/v1/products/{product['id']}", headers={"Cache-Control": "no-cache"}).json()["stock"]
    assert (status, stock) in {("paid", 6), ("cancelled", 10)}


async def test_auth_3_of_many_refreshes_at_once_one_wins_and_the_family_ends(
    client: httpx.Client, asking: httpx.AsyncClient
):
    person = register(client)
    body = {"refresh_token": person.refresh_token}
    answers = await at_once(asking, AT_ONCE, "POST", "/auth/refresh", json=body)
    assert statuses(answers) == {200: 1, 401: AT_ONCE - 1}
    won = next(answer for answer in answers if answer.status_code == 200).json()
    after = client.post("/api/v1/auth/refresh", json={"refresh_token": won["refresh_token"]})
    assert after.status_code == 401


@pytest.mark.parametrize(
    ("path", "most"), [("/users/me/api-keys", 20), ("/report-schedules", 20), ("/webhooks", None)], ids=lambda v: str(v)
)
async def test_a_limit_of_objects_holds_for_many_at_once(
    path: str, most: int | None, client: httpx.Client, owner: Owner, person: Person, asking: httpx.AsyncClient
):
    body: dict[str, object] = {
        "/users/me/api-keys": {"name": "race"},
        "/report-schedules": a_schedule(),
        "/webhooks": {"url": owner.receiver.url, "events": ["orders.placed.v1"]},
    }[path]
    answers = await at_once(asking, 40, "POST", path, json=body, headers=person.headers)
    made = statuses(answers)[201]
    assert statuses(answers) == {201: made, 409: 40 - made}
    assert made == most if most else 0 < made < 40
    assert client.get(f"/api/v1{path}", headers=person.headers).json()["total"] == made
    assert client.post(f"/api/v1{path}", json=body, headers=person.headers).status_code == 409


async def test_reports_that_are_not_finished_are_bounded(
    client: httpx.Client, person: Person, asking: httpx.AsyncClient
):
    body = {"type": "order_summary", "format": "json", "params": {}}
    answers = await at_once(asking, 60, "POST", "/reports", json=body, headers=person.headers)
    found = statuses(answers)
    assert set(found) <= {202, 409}
    assert client.get("/api/v1/reports", headers=person.headers).json()["total"] == found[202]


async def test_one_key_of_many_people_is_a_key_of_each(
    client: httpx.Client, boss: Person, asking: httpx.AsyncClient, person: Person, stranger: Person
):
    """An Idempotency-Key that somebody else guessed or saw gets them nothing of its owner's answer."""
    product = new_product(client, boss, stock=50)
    body = {"items": [{"product_id": product["id"], "quantity": 1}]}
    key = secrets.token_hex(8)
    answers = [
        answer
        for who in (person, stranger)
        for answer in await at_once(
            asking, 20, "POST", "/orders", json=body, headers={**who.headers, "Idempotency-Key": key}
        )
        if answer.status_code == 201
    ]
    owners = {answer.json()["user_id"]: answer.json()["id"] for answer in answers}
    assert set(owners) == {person.id, stranger.id}
    assert len({answer.json()["id"] for answer in answers}) == 2


async def test_of_many_changes_of_a_password_at_once_the_last_login_that_stands_is_right(
    client: httpx.Client, boss: Person, owner: Owner, asking: httpx.AsyncClient
):
    person = newcomer(client, boss, owner.receiver).person
    bodies = [{"current_password": person.password, "new_password": f"Other{n}Horse{n}"} for n in range(5)]
    changes = (asking.put("/api/v1/users/me/password", json=body, headers=person.headers) for body in bodies)
    answers = await asyncio.gather(*changes)
    assert {answer.status_code for answer in answers} <= {204, 401, 403, 409}
    assert [answer.status_code for answer in answers].count(204) == 1
    logins = [
        client.post("/api/v1/auth/login", json={"email": person.email, "password": password}).status_code
        for password in (person.password, *(body["new_password"] for body in bodies))
    ]
    assert logins.count(200) == 1
    assert logins[0] == 401


async def test_one_address_is_one_account(asking: httpx.AsyncClient, client: httpx.Client, boss: Person):
    email = f"{secrets.token_hex(8)}@example.com"
    body = {"name": "Ada", "email": email, "password": "Correct1Horse"}
    spellings = [email, email.upper(), email.title(), f" {email} "]
    answers = await asyncio.gather(
        *(asking.post("/api/v1/users", json={**body, "email": spelling}) for spelling in spellings * 3)
    )
    found = Counter(answer.status_code for answer in answers)
    assert found[201] <= 1 or found[202] == len(answers)
    users = client.get("/api/v1/users", params={"page_size": 100}, headers=boss.headers).json()
    last = -(-users["total"] // 100)
    pages = [users["items"]] if last == 1 else []
    for page in range(1, last + 1) if last > 1 else ():
        answer = client.get("/api/v1/users", params={"page_size": 100, "page": page}, headers=boss.headers)
        pages.append(answer.json()["items"])
    assert [user["email"].lower() for page in pages for user in page].count(email) == 1
