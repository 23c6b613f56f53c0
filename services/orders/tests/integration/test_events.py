"""What the service says, held to its schemas, in the transaction of the change: no worker takes it from the outbox."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from shared.messaging import Event
from shared.postgres import Database

Maker = Callable[..., Awaitable[dict[str, Any]]]
Headers = dict[str, str]
Outbox = Callable[[str], Awaitable[list[Event]]]

SCHEMAS = {path.stem: json.loads(path.read_text()) for path in (Path(__file__).parents[2] / "events").glob("*.json")}


@pytest.fixture
def outbox(database: Database) -> Outbox:
    """The events of a subject that wait to be published; each is held to its schema."""

    async def read(subject: str) -> list[Event]:
        async with database.acquire() as connection:
            rows = await connection.fetch("SELECT body FROM outbox WHERE subject = $1 ORDER BY id", subject)
        events = [Event.decode(row["body"]) for row in rows]
        for event in events:
            check(event)
        return events

    return read


def check(event: Event) -> None:
    validator = jsonschema.Draft202012Validator(
        SCHEMAS[event.type], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    validator.validate(event.data)
    assert event.source == "/services/orders"
    assert event.traceparent is not None


def test_the_schemas_are_schemas_and_refuse_floats():
    assert len(SCHEMAS) == 6
    for name, schema in SCHEMAS.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        money = schema["properties"].get("total", schema["properties"].get("price"))
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(9.99, money)
        assert schema["title"] == name


async def test_an_order_s_life_is_told(
    client: httpx.AsyncClient, user: Headers, admin: Headers, outbox: Outbox, make_order: Maker
):
    order = await make_order(quantity=2)
    path = f"/api/v1/orders/{order['id']}"
    await client.post(f"{path}/payments", headers=user)
    for status in ("shipped", "delivered"):
        await client.patch(path, json={"status": status}, headers=admin)
    events = await outbox(f"orders/{order['id']}")
    assert [event.type for event in events] == [
        "orders.placed.v1",
        "orders.paid.v1",
        "orders.shipped.v1",
        "orders.delivered.v1",
    ]
    assert [event.data["version"] for event in events] == [1, 2, 3, 4]
    told = {key: value for key, value in events[0].data.items() if key not in ("updated_at", "version", "created_at")}
    assert told == {key: value for key, value in order.items() if key != "created_at"}


async def test_a_cancelled_order_and_a_product_s_life_are_told(
    *, client: httpx.AsyncClient, user: Headers, admin: Headers, outbox: Outbox, make_product: Maker, make_order: Maker
):
    product = await make_product(stock=10)
    where = f"/api/v1/products/{product['id']}"
    order = await make_order(product_id=product["id"], quantity=4)
    await client.patch(f"/api/v1/orders/{order['id']}", json={"status": "cancelled"}, headers=user)
    await client.patch(where, json={"price": "1.50"}, headers=admin)
    await client.delete(where, headers=admin)
    events = await outbox(f"products/{product['id']}")
    assert [event.data["stock"] for event in events] == [10, 6, 10, 10, 10]
    assert [event.data["version"] for event in events] == [1, 2, 3, 4, 5]
    assert [event.data["deleted"] for event in events] == [False, False, False, False, True]
    assert events[-1].data["price"] == "1.50"
    of_the_order = [event.type for event in await outbox(f"orders/{order['id']}")]
    assert of_the_order == ["orders.placed.v1", "orders.cancelled.v1"]


async def test_what_is_refused_is_not_told(
    client: httpx.AsyncClient, user: Headers, outbox: Outbox, make_product: Maker
):
    product = await make_product(stock=1)
    asked = {"items": [{"product_id": product["id"], "quantity": 2}]}
    assert (await client.post("/api/v1/orders", json=asked, headers=user)).status_code == 409
    assert len(await outbox(f"products/{product['id']}")) == 1
