"""Many messages in one transaction, retries that spread, outages that charge nobody (TRAPS.md, RabbitMQ 5 and 6)."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.messaging import Bus, Consumer, Event, Subscription, handling
from shared.messaging.metrics import BATCHES_SPLIT, CONSUMED, RESUBSCRIBED
from shared.messaging.subscription import LONGEST_TIMEOUT
from shared.messaging.topology import (
    declare_events,
    declare_subscription,
    jittered_delays,
    parked_queue,
    retries_exchange,
)
from shared.postgres import Connection, Database
from shared.testing.waiting import PATIENCE_SECONDS, eventually

from .conftest import Broker
from .shop import OnceAllAreInHand, effects, record

TYPES = ("orders.placed.v1",)
Background = Callable[..., Any]


def event(number: int) -> Event:
    return Event.new(type=TYPES[0], source="/s", subject=f"orders/{number}", data={"id": number, "version": 1})


async def filled(bus: Bus, broker: Broker, subscription: Subscription, events: list[Event]) -> None:
    await declare_events(bus, "test")
    await declare_subscription(bus, subscription)
    for each in events:
        await broker.deliver(each.encode(), subscription.queue)


async def count(database: Database) -> int:
    return len(await effects(database))


async def transactions(database: Database) -> int:
    async with database.acquire() as connection:
        return await connection.fetchval("SELECT count(DISTINCT xmin::text) FROM effects")


async def test_many_messages_share_a_transaction_and_each_has_one_effect(
    *,
    database: Database,
    bus: Bus,
    background: Background,
    broker: Broker,
    queue: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handling, "_BATCH_SECONDS", PATIENCE_SECONDS)
    recorded = OnceAllAreInHand(80)
    subscription = Subscription(queue, TYPES, recorded)
    events = [event(number) for number in range(60)]
    await filled(bus, broker, subscription, [*events, *events[:20]])
    recorded.consumer = Consumer(bus, database, subscription)
    background(recorded.consumer.run())
    await eventually(lambda: count(database), 60)
    await eventually(CONSUMED.labels(queue, "duplicate")._value.get, 20)
    assert sorted(await effects(database)) == sorted(f"orders/{number} 1" for number in range(60))
    assert await transactions(database) < 30, "a transaction a message"


async def test_one_bad_message_costs_its_batch_nothing_but_time(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    recorded = OnceAllAreInHand(40)

    async def but_one(connection: Connection, heard: Event) -> None:
        await recorded(connection, heard)
        if heard.data["id"] == 17:
            raise RuntimeError("the one")

    subscription = Subscription(queue, TYPES, but_one, retry_delays=(timedelta(milliseconds=30),))
    await filled(bus, broker, subscription, [event(number) for number in range(40)])
    before = BATCHES_SPLIT.labels(queue)._value.get()
    recorded.consumer = Consumer(bus, database, subscription)
    background(recorded.consumer.run())
    await eventually(lambda: count(database), 39)
    [parked] = await eventually(lambda: broker.take_all(parked_queue(queue)))
    assert Event.decode(parked.body).data["id"] == 17
    assert "orders/17 1" not in await effects(database)
    assert BATCHES_SPLIT.labels(queue)._value.get() > before
    # Counted with the acknowledgement, which comes after the effect.
    await eventually(CONSUMED.labels(queue, "handled")._value.get, 39)


async def test_5_a_burst_of_retries_comes_back_over_several_delays_and_a_deleted_one_is_made_again(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    """One queue with a time of its own on each message would let the longest hold back the others."""
    first_tried: dict[int, float] = {}

    async def later(connection: Connection, heard: Event) -> None:
        now = asyncio.get_running_loop().time()
        await record(connection, heard)
        if now - first_tried.setdefault(heard.data["id"], now) < 0.2:
            raise RuntimeError("not yet")

    delay = timedelta(milliseconds=400)
    subscription = Subscription(queue, TYPES, later, retry_delays=(delay, delay, delay))
    names = [f"{retries_exchange(queue)}.{milliseconds}" for milliseconds in jittered_delays(delay)]
    assert len(set(names)) == 4
    await filled(bus, broker, subscription, [event(number) for number in range(30)])
    background(Consumer(bus, database, subscription).run())
    await eventually(lambda: count(database), 30)
    there = [name for name in names if await exists(bus, name)]
    assert len(there) >= 3
    for name in there:
        await asyncio.to_thread(broker.api, "DELETE", f"/api/queues/{broker.vhost}/{name}")
    await broker.deliver(event(50).encode(), queue)
    await eventually(lambda: count(database), 31)


async def exists(bus: Bus, name: str) -> bool:
    channel = await bus.open_channel()
    try:
        await channel.declare_queue(name, passive=True)
    except ChannelNotFoundEntity:
        return False
    await channel.close()
    return True


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, queue: str) -> str:
    """A queue whose consumer waits hardly for Postgres."""
    monkeypatch.setattr(handling, "PATIENCE_SECONDS", 0.2)
    return queue


async def test_6_an_outage_that_outlasts_our_patience_gives_the_message_back_and_parks_nothing(
    database: Database, bus: Bus, background: Background, broker: Broker, impatient: str
) -> None:
    """RabbitMQ ends the channel of a message that is held for half an hour: it is given back long before."""
    queue = impatient
    away = True

    async def cut_off(connection: Connection, heard: Event) -> None:
        await record(connection, heard)
        if away:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    before = RESUBSCRIBED.labels(queue)._value.get()
    subscription = Subscription(queue, TYPES, cut_off, retry_delays=())
    await filled(bus, broker, subscription, [event(1)])
    background(Consumer(bus, database, subscription).run())
    await eventually(lambda: RESUBSCRIBED.labels(queue)._value.get() > before)
    away = False
    await eventually(lambda: effects(database), ["orders/1 1"])
    assert await broker.take_all(parked_queue(queue)) == []


@pytest.mark.parametrize(
    "wrong",
    [{"timeout": LONGEST_TIMEOUT * 2}, {"timeout": timedelta()}, {"prefetch": 0}, {"prefetch": 100_000}],
)
async def test_6_a_handler_that_may_outlast_the_channel_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="queue"):
        Subscription("queue", TYPES, record, **wrong)
