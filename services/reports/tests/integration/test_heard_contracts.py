"""What reports hear, held to the schemas of who says it: every example, newer and older events, forged ones."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from pydantic import ValidationError

from reports.events import subscriptions
from shared.messaging import Event

from .story import SERVICES, new_id, order, product, user

SCHEMAS = {path.stem: json.loads(path.read_text()) for path in SERVICES.glob("*/events/*.json")}

COUNTS = (
    "SELECT (SELECT count(*) FROM seen_orders), (SELECT count(*) FROM seen_users), (SELECT count(*) FROM seen_products)"
)


async def forget(*_: Any) -> None:
    """Nobody has reports here."""


(READ_MODEL,) = subscriptions(forget)


def readings(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The examples of a schema; each as a newer producer may say it, and with what need not be said left out."""
    for example in schema["examples"]:
        yield example
        yield {**example, "x_of_a_later_version": {"nested": [1, None]}}
        yield {name: value for name, value in example.items() if name in schema["required"]}


async def hear(database: asyncpg.Connection, event_type: str, data: dict[str, Any]) -> None:
    event = Event.decode(Event.new(type=event_type, source="/s", subject="s", data=data).encode())
    async with database.transaction():
        await READ_MODEL.handler(database, event)


@pytest.mark.parametrize("event_type", READ_MODEL.types)
async def test_every_example_of_what_is_heard_is_taken(database: asyncpg.Connection, event_type: str):
    for data in readings(SCHEMAS[event_type]):
        await hear(database, event_type, {**data, "id": new_id()})


def forged() -> Iterator[tuple[str, dict[str, Any]]]:
    """Events with one field that no producer of ours says."""
    placed = order(1, 7)
    for change in (
        {"total": "99999999999.00"},
        {"total": 24.98},
        {"total": "-1.00"},
        {"total": "NaN"},
        {"id": 2**63},
        {"id": True},
        {"id": "1"},
        {"user_id": 0},
        {"version": 2**31},
        {"version": 1.0},
        {"status": "stolen"},
        {"items": []},
        {"items": placed["items"] * 51},
        {"currency": "EURO"},
        {"created_at": 0},
        {"created_at": "2026-03-01T12:00:00"},
    ):
        yield "orders.placed.v1", {**placed, **change}
    bought = copy.deepcopy(placed)
    bought["items"][0]["quantity"] = 10**9
    yield "orders.placed.v1", bought
    yield "users.registered.v1", {**user(1), "name": "a\x00b"}
    yield "users.deleted.v1", {"id": -1, "version": 1}
    yield "products.changed.v1", {**product(1, "Tea"), "stock": -1}
    yield "products.changed.v1", {**product(1, "Tea"), "deleted": "yes"}
    yield "products.changed.v1", {}


@pytest.mark.parametrize(
    ("event_type", "data"), list(forged()), ids=lambda value: value if isinstance(value, str) else ""
)
async def test_a_forged_event_is_refused_and_leaves_nothing(
    database: asyncpg.Connection, event_type: str, data: dict[str, Any]
):
    before = await database.fetchrow(COUNTS)
    with pytest.raises(ValidationError):
        await hear(database, event_type, data)
    assert await database.fetchrow(COUNTS) == before


async def test_the_step_that_the_type_tells_of_is_the_one_in_the_data(database: asyncpg.Connection):
    with pytest.raises(ValueError, match="delivered"):
        await hear(database, "orders.paid.v1", order(new_id(), 7, "delivered", version=4))
