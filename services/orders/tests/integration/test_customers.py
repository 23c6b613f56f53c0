"""The copy of the users: newer events win, whatever their order, and nobody deleted orders again."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from pydantic import ValidationError

from orders.events import SUBSCRIPTIONS, hear_user
from shared.messaging import Event
from shared.postgres import Database

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]

PERSON = {"name": "Ada", "email": "ada@example.com", "role": "user", "created_at": "2026-01-01T00:00:00Z"}
SCHEMAS = Path(__file__).parents[3] / "users" / "events"


def told(what: str, user_id: int, version: int, **data: Any) -> Event:
    """An event of the users service, held to the schema that it publishes."""
    data = {"id": user_id, "version": version, **data}
    jsonschema.validate(data, json.loads((SCHEMAS / f"users.{what}.v1.json").read_text()))
    return Event.new(type=f"users.{what}.v1", source="/services/users", subject=f"users/{user_id}", data=data)


async def hear(database: Database, *events: Event) -> tuple[int, bool]:
    async with database.transaction() as connection:
        for event in events:
            await hear_user(connection, event)
        row = await connection.fetchrow("SELECT version, deleted FROM customers WHERE id = $1", events[0].data["id"])
    assert row is not None
    return row["version"], row["deleted"]


async def test_only_what_is_newer_is_applied(database: Database, user_id: int):
    registered = told("registered", user_id, 1, **PERSON)
    updated, deleted = told("updated", user_id, 2, **PERSON), told("deleted", user_id, 3)
    assert await hear(database, registered) == (1, False)
    assert await hear(database, deleted) == (3, True)
    for older in (updated, registered):
        assert await hear(database, older) == (3, True)


async def test_what_breaks_its_schema_is_refused_and_not_kept(database: Database, user_id: int):
    for data in ({"id": user_id}, {"id": str(user_id), "version": 1}, {"id": user_id, "version": 0}):
        event = Event.new(type="users.registered.v1", source="/services/users", subject="users/1", data=data)
        with pytest.raises(ValidationError):
            await hear(database, event)
    async with database.acquire() as connection:
        assert not await connection.fetchval("SELECT EXISTS (SELECT FROM customers WHERE id = $1)", user_id)


async def test_a_user_who_is_gone_places_no_order(
    *,
    client: httpx.AsyncClient,
    database: Database,
    user: Headers,
    user_id: int,
    make_product: Maker,
    make_order: Maker,
):
    kept = await make_order()
    await hear(database, told("deleted", user_id, 2))
    product = (await make_product(stock=1))["id"]
    asked = {"items": [{"product_id": product, "quantity": 1}]}
    refused = await client.post("/api/v1/orders", json=asked, headers=user)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await client.get(f"/api/v1/orders/{kept['id']}", headers=user)).json() == kept


async def test_a_service_places_no_order(client: httpx.AsyncClient, signer: Any, make_product: Maker):
    product = await make_product()
    asked = {"items": [{"product_id": product["id"], "quantity": 1}]}
    robot = signer.headers(0, role="service", sub="reporting-robot")
    refused = await client.post("/api/v1/orders", json=asked, headers=robot)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await client.get(f"/api/v1/products/{product['id']}")).json()["stock"] == product["stock"]


async def test_an_admin_sees_the_orders_of_users_there_are(
    *, client: httpx.AsyncClient, database: Database, admin: Headers, user: Headers, user_id: int, make_order: Maker
):
    order = await make_order()
    path = f"/api/v1/users/{user_id}/orders"
    assert (await client.get(path, headers=user)).json()["items"] == [order]
    unknown = await client.get(path, headers=admin)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "user_not_found")
    await hear(database, told("registered", user_id, 1, **PERSON))
    assert (await client.get(path, headers=admin)).json()["items"] == [order]


@pytest.mark.parametrize("event_type", SUBSCRIPTIONS[0].types)
async def test_every_example_of_what_is_heard_is_taken_and_what_a_newer_producer_adds_is_ignored(
    database: Database, user_id: int, event_type: str
):
    schema = json.loads((SCHEMAS / f"{event_type}.json").read_text())
    for example in schema["examples"]:
        needed = {name: value for name, value in example.items() if name in schema["required"]}
        for data in (example, {**example, "x_of_a_later_version": [1]}, needed):
            heard = Event.new(
                type=event_type, source="/services/users", subject="users/7", data={**data, "id": user_id}
            )
            assert (await hear(database, heard))[0] == example["version"]
