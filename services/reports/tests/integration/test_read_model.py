"""Events in any order, twice, or of someone who is deleted leave the same read model."""

import itertools
from typing import Any

import asyncpg
import httpx
import pytest

from reports.events import subscriptions
from shared.messaging import Event
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .story import OtherServices, ask, check_schema, finished, moment, new_id, order, product, user

STEPS = ("pending", "paid", "shipped", "delivered")
TYPES = {"pending": "placed"}


async def hear(database: asyncpg.Connection, event_type: str, data: dict[str, Any]) -> None:
    """Hand an event to the handler, as a consumer does in its transaction."""
    check_schema(event_type, data)
    event = Event.decode(Event.new(type=event_type, source="/s", subject="s", data=data).encode())

    async def forget(*_: Any) -> None:
        raise AssertionError("nobody is deleted here")

    (subscription,) = subscriptions(forget)
    assert event_type in subscription.types
    async with database.transaction():
        await subscription.handler(database, event)


def steps_of(order_id: int, user_id: int) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"orders.{TYPES.get(status, status)}.v1", order(order_id, user_id, status, version=version))
        for version, status in enumerate(STEPS, 1)
    ]


async def test_every_order_of_the_events_and_every_double_gives_the_same(database: asyncpg.Connection):
    results: set[str] = set()
    for sequence in itertools.permutations(range(len(STEPS))):
        order_id = new_id()
        steps = steps_of(order_id, 7)
        for number in (*sequence, *sequence[:2]):
            await hear(database, *steps[number])
        row = await database.fetchrow("SELECT * FROM seen_orders WHERE id = $1", order_id)
        items = await database.fetch(
            "SELECT position, sku, quantity, unit_price FROM seen_order_items WHERE order_id = $1 ORDER BY 1", order_id
        )
        assert row is not None
        assert (row["status"], row["version"]) == ("delivered", 4)
        assert row["cancelled_at"] is None
        results.add(str(list(row.values())[1:]) + str([tuple(item) for item in items]))
    assert len(results) == 1


async def test_users_and_products_only_become_newer(database: asyncpg.Connection):
    user_id, product_id = new_id(), new_id()
    await hear(database, "users.updated.v1", user(user_id, "New Name", version=2))
    await hear(database, "users.registered.v1", user(user_id, "Old Name", version=1))
    assert await database.fetchval("SELECT name FROM seen_users WHERE id = $1", user_id) == "New Name"
    await hear(database, "products.changed.v1", product(product_id, "New", version=5, stock=3, deleted=True))
    await hear(database, "products.changed.v1", product(product_id, "Old", version=4, stock=9))
    row = await database.fetchrow("SELECT name, stock, deleted FROM seen_products WHERE id = $1", product_id)
    assert tuple(row or ()) == ("New", 3, True)


async def test_a_field_that_is_new_to_us_is_no_trouble(database: asyncpg.Connection):
    order_id = new_id()
    await hear(database, "orders.placed.v1", {**order(order_id, 7), "gift_wrap": True})
    assert await database.fetchval("SELECT true FROM seen_orders WHERE id = $1", order_id)


async def test_a_deleted_user_is_forgotten_with_their_reports(
    api: httpx.AsyncClient, signer: Signer, others: OtherServices, database: asyncpg.Connection
):
    user_id, order_id = new_id(), new_id()
    headers = signer.headers(user_id)
    await others.say("users.registered.v1", user(user_id, "Somebody Gone"))
    await others.say("orders.placed.v1", order(order_id, user_id))
    location = (await ask(api, headers, "order_summary", "csv")).headers["location"]
    await finished(api, location, headers)
    await others.say("users.deleted.v1", {"id": user_id, "version": 9})

    async def gone() -> bool:
        return (await api.get(location, headers=headers)).status_code == 404

    await eventually(gone)
    await others.say("users.updated.v1", user(user_id, "Somebody Back", version=3))
    marker = new_id()
    await others.say("users.registered.v1", user(marker))

    async def heard_all() -> bool:
        return bool(await database.fetchval("SELECT true FROM seen_users WHERE id = $1", marker))

    await eventually(heard_all)
    assert await database.fetchval("SELECT name FROM seen_users WHERE id = $1", user_id) is None
    assert await database.fetchval("SELECT total FROM seen_orders WHERE id = $1", order_id), "the order stays"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM seen_orders WHERE user_id = 7 AND placed_at >= $1 ORDER BY placed_at, id",
        "SELECT * FROM seen_orders WHERE placed_at >= $1 AND placed_at < $1 ORDER BY placed_at, id",
        "SELECT * FROM seen_orders WHERE paid_at >= $1 AND cancelled_at IS NULL",
        "SELECT * FROM reports WHERE user_id = 7 AND created_at > $1 ORDER BY id DESC LIMIT 20",
    ],
)
async def test_each_list_has_its_index(database: asyncpg.Connection, query: str):
    async with database.transaction():
        await database.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        rows = await database.fetch("EXPLAIN " + query.replace("$1", f"'{moment()}'"))
    plan = "\n".join(row[0] for row in rows)
    assert "Index" in plan
    assert "Sort" not in plan
