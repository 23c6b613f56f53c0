"""Batches of events in one transaction."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.messaging import Bus, Consumer, Event, Subscription, handling
from shared.messaging.metrics import BATCHES_SPLIT
from shared.messaging.topology import declare_events, declare_subscription
from shared.postgres import Connection, Database
from shared.testing.waiting import PATIENCE_SECONDS, eventually

from .conftest import Broker
from .shop import OnceAllAreInHand, effects

TYPE = "orders.placed.v1"


async def test_good_messages_and_their_copies_are_handled_together(
    *,
    database: Database,
    bus: Bus,
    background: Callable[..., Any],
    broker: Broker,
    queue: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transactions: set[int] = set()
    monkeypatch.setattr(handling, "_BATCH_SECONDS", PATIENCE_SECONDS)
    recorded = OnceAllAreInHand(80)

    async def note(connection: Connection, heard: Event) -> None:
        await recorded(connection, heard)
        transactions.add(await connection.fetchval("SELECT pg_current_xact_id()::text::bigint"))

    subscription = Subscription(queue, (TYPE,), note, prefetch=100)
    await declare_events(bus, "test")
    await declare_subscription(bus, subscription)
    for number in range(40):
        data = {"id": number, "version": 1}
        event = Event.new(type=TYPE, source="/services/orders", subject=f"orders/{number}", data=data)
        for _ in range(2):
            await broker.deliver(event.encode(), queue)
    split_before = BATCHES_SPLIT.labels(queue)._value.get()
    recorded.consumer = Consumer(bus, database, subscription)
    background(recorded.consumer.run())

    async def seen() -> set[str]:
        return set(await effects(database))

    await eventually(seen, {f"orders/{number} 1" for number in range(40)})
    assert len(await effects(database)) == 40
    assert BATCHES_SPLIT.labels(queue)._value.get() == split_before
    assert len(transactions) < 20
