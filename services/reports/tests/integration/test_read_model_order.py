"""Three workers at one queue, failures at random: events overtake each other, and the read model is right.

docs/adr/0021: the order of an aggregate's events is not the queue's promise but the version's.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import aio_pika
import asyncpg
import pytest
import pytest_asyncio

from reports.events import subscriptions
from reports.settings import ReportsSettings
from shared.messaging import Bus, Consumer, Event, Subscription
from shared.messaging.topology import declare_events, declare_subscription, parked_queue
from shared.postgres import Connection, Database
from shared.testing.waiting import eventually

from .story import new_id, order, product, user

STEPS = ("pending", "paid", "shipped", "delivered")
TYPES = {"pending": "orders.placed.v1", **{step: f"orders.{step}.v1" for step in (*STEPS[1:], "cancelled")}}
WORKERS = 3


async def forget(*_: Any) -> None:
    """Nobody has reports here."""


class Troubled:
    """The read model's own handler, which fails at random, before its effect or after it."""

    def __init__(self, chance: random.Random, types: tuple[str, ...]) -> None:
        (self._real,) = subscriptions(forget)
        assert set(self._real.types) == set(types)
        self._chance = chance
        self.tried: Counter[str] = Counter()
        self.overtaken = 0

    async def __call__(self, connection: Connection, event: Event) -> None:
        self.tried[event.id] += 1
        # The third try of an event is let through: it ends, and nothing is parked.
        trouble = self._chance.random() if self.tried[event.id] < 3 else 1.0
        if trouble < 0.2:
            raise RuntimeError("before the effect")
        known = "SELECT EXISTS (SELECT FROM seen_orders WHERE id = $1 AND version > $2)"
        if event.subject.startswith("orders/"):
            self.overtaken += await connection.fetchval(known, event.data["id"], event.data["version"])
        await self._real.handler(connection, event)
        if trouble < 0.4:
            raise RuntimeError("after the effect")


@pytest_asyncio.fixture
async def database(quiet_settings: ReportsSettings, quiet_database: asyncpg.Connection) -> AsyncIterator[Database]:
    assert quiet_database, "it has the tables"
    held = Database(quiet_settings.postgres, application_name="order-test")
    await held.open()
    yield held
    await held.close()


def histories(chance: random.Random) -> tuple[list[list[Event]], dict[int, tuple[str, int]]]:
    """The events of some orders, each in its order, and how each order ends."""
    told: list[list[Event]] = []
    ends: dict[int, tuple[str, int]] = {}
    for _ in range(20):
        order_id, steps = new_id(), list(STEPS[: chance.randint(1, 4)])
        if steps[-1] in {"pending", "paid"} and chance.random() < 0.5:
            steps.append("cancelled")
        told.append(
            [said(TYPES[step], order(order_id, 7, step, version=version)) for version, step in enumerate(steps, 1)]
        )
        ends[order_id] = (steps[-1], len(steps))
    return told, ends


def said(event_type: str, data: dict[str, Any]) -> Event:
    return Event.new(type=event_type, source="/s", subject=f"{event_type.partition('.')[0]}/{data['id']}", data=data)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_read_model_is_right_though_events_overtake_each_other(
    quiet_settings: ReportsSettings, database: Database, seed: int
):
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    told, ends = histories(chance)
    user_id, product_id = new_id(), new_id()
    told.append(
        [said("users.registered.v1", user(user_id))]
        + [said("users.updated.v1", user(user_id, f"Name {version}", version)) for version in range(2, 8)]
    )
    told.append([said("products.changed.v1", product(product_id, "Tea", v, stock=100 - v)) for v in range(1, 9)])
    (real,) = subscriptions(forget)
    handler = Troubled(chance, tuple(real.types))
    subscription = Subscription(
        f"reports.order-{seed}", real.types, handler, retry_delays=(timedelta(milliseconds=40),) * 4, prefetch=5
    )
    async with AsyncExitStack() as stack:
        buses = [await stack.enter_async_context(Bus(quiet_settings.rabbit, name=f"w{n}")) for n in range(WORKERS)]
        await declare_events(buses[0], "reports")
        await declare_subscription(buses[0], subscription)
        await publish(quiet_settings, subscription.queue, interleaved(told, chance))
        running = [asyncio.create_task(Consumer(bus, database, subscription).run()) for bus in buses]
        total = sum(map(len, told))

        async def all_handled() -> bool:
            async with database.acquire() as connection:
                count = "SELECT count(*) FROM inbox WHERE consumer = $1"
                return await connection.fetchval(count, subscription.queue) == total

        await eventually(all_handled)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        channel = await buses[0].open_channel()
        parked = await channel.declare_queue(parked_queue(subscription.queue), passive=True)
        assert parked.declaration_result.message_count == 0
    assert handler.overtaken, "the dice let nothing overtake: the test shows nothing"
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT id, status, version FROM seen_orders WHERE id = ANY ($1)", list(ends))
        assert {row["id"]: (row["status"], row["version"]) for row in rows} == ends
        assert await connection.fetchval("SELECT name FROM seen_users WHERE id = $1", user_id) == "Name 7"
        assert await connection.fetchval("SELECT stock FROM seen_products WHERE id = $1", product_id) == 92


def interleaved(told: list[list[Event]], chance: random.Random) -> list[Event]:
    """All of it, each aggregate's events in their order: as the relay publishes them."""
    left = [list(events) for events in told]
    found: list[Event] = []
    while left:
        events = chance.choice(left)
        found.append(events.pop(0))
        left = [events for events in left if events]
    return found


async def publish(settings: ReportsSettings, queue: str, events: list[Event]) -> None:
    async with await aio_pika.connect(settings.rabbit.url.get_secret_value()) as connection:
        channel = await connection.channel()
        for event in events:
            message = aio_pika.Message(event.encode(), message_id=event.id)
            await channel.default_exchange.publish(message, queue)
