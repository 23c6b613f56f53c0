"""TRAPS.md, RabbitMQ with aio-pika."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import aio_pika
import pytest

from shared.messaging import Bus, Consumer, Event, Relay, Subscription, keeper, retries
from shared.messaging.bus import PublishFailed
from shared.messaging.metrics import CONSUMED, TOPOLOGY_CONFLICTS
from shared.messaging.outbox import append_direct
from shared.messaging.topology import declare_events, declare_queue, declare_subscription, parked_queue
from shared.postgres import Connection, Database
from shared.settings import RabbitSettings
from shared.testing.waiting import PATIENCE_SECONDS, eventually

from .conftest import Broker
from .proxy import Proxy
from .shop import append, effects, outbox_rows, place, record

TYPES = ("orders.placed.v1",)
Background = Callable[..., Any]


def event(number: int, version: int = 1) -> Event:
    return Event.new(
        type=TYPES[0], source="/services/orders", subject=f"orders/{number}", data={"id": number, "version": version}
    )


async def start(consumer: Consumer, background: Background) -> Consumer:
    background(consumer.run())
    await eventually(lambda: consumer.subscribed)
    return consumer


@pytest.mark.usefixtures("relay")
async def test_1_a_consumer_the_server_cancelled_comes_back_and_misses_nothing(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    subscription = Subscription(queue, TYPES, record)
    consumer = await start(Consumer(bus, database, subscription, watch_seconds=60), background)
    await place(database, 1)
    await eventually(lambda: effects(database), ["orders/1 1"])
    # The server cancels the consumer of a queue that is deleted.
    await asyncio.to_thread(broker.api, "DELETE", f"/api/queues/{broker.vhost}/{queue}")
    await place(database, 2)
    await eventually(lambda: effects(database), ["orders/1 1", "orders/2 1"])
    await eventually(lambda: consumer.subscribed)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch, queue: str) -> str:
    """A queue whose loss nobody hears."""

    async def hear_nothing(_: object) -> asyncio.Event:
        return asyncio.Event()

    monkeypatch.setattr(keeper, "_hear_loss", hear_nothing)
    return queue


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, queue: str) -> str:
    """A queue whose consumer waits hardly for its handler at the end."""
    monkeypatch.setattr(keeper, "DRAIN_SECONDS", 0.2)
    return queue


@pytest.mark.usefixtures("relay")
async def test_1_the_watchdog_sees_a_consumer_that_vanished_without_a_sign(
    database: Database, bus: Bus, background: Background, broker: Broker, deaf: str
) -> None:
    queue = deaf
    await start(Consumer(bus, database, Subscription(queue, TYPES, record), watch_seconds=0.3), background)
    await asyncio.to_thread(broker.api, "DELETE", f"/api/queues/{broker.vhost}/{queue}")
    await place(database, 1)
    await eventually(lambda: effects(database), ["orders/1 1"])


async def test_1_the_watchdog_sees_it_though_another_instance_still_consumes_the_queue(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    """The broker's count of consumers says nothing of ours then: messages that wait say it."""
    busy = asyncio.Event()

    async def hang(connection: Connection, heard: Event) -> None:
        await record(connection, heard)
        if heard.data["id"] == 1:
            busy.set()
            await asyncio.sleep(3600)

    subscription = Subscription(queue, TYPES, hang, prefetch=1)
    await start(Consumer(bus, database, subscription, watch_seconds=60), background)
    await broker.deliver(event(1).encode(), queue)
    await busy.wait()
    lost = await start(Consumer(bus, database, subscription, watch_seconds=0.3), background)
    await _channel_of(bus, lost).basic_cancel(lost._keeper._tag)
    await broker.deliver(event(2).encode(), queue)
    await eventually(lambda: effects(database), ["orders/2 1"])


def _channel_of(bus: Bus, consumer: Consumer) -> Any:
    assert bus._connection is not None
    assert bus._connection.transport is not None
    channels = bus._connection.transport.connection.channels.values()
    return next(channel for channel in channels if channel and consumer._keeper._tag in channel.consumers)


@pytest.mark.usefixtures("relay")
async def test_1_consumers_come_back_after_the_connection_was_closed(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    await start(Consumer(bus, database, Subscription(queue, TYPES, record)), background)
    before = bus._connection
    assert await broker.close_connections(bus.name) == 1
    await eventually(lambda: bus.healthy() and bus._connection is not before)
    await place(database, 1)
    await eventually(lambda: effects(database), ["orders/1 1"])


async def test_1_the_heartbeat_is_short(bus: Bus) -> None:
    connection = bus._connection
    assert connection is not None
    assert connection.transport is not None
    assert 10 <= connection.transport.connection.connection_tune.heartbeat <= 20


async def test_1_a_broker_that_is_cut_off_again_and_again_loses_and_doubles_nothing(
    database: Database, proxied_bus: Bus, proxy: Proxy, background: Background, queue: str
) -> None:
    await start(Consumer(proxied_bus, database, Subscription(queue, TYPES, record)), background)
    background(Relay(database, proxied_bus, batch=20).run())
    proxy.delay = 0.002
    for version in range(1, 41):
        async with database.transaction() as connection:
            for number in range(1, 4):
                await append(connection, number, version)
        if version % 10 == 0:
            proxy.cut()
            await asyncio.sleep(0.3)
    await eventually(lambda: outbox_rows(database), 0)
    await eventually(lambda: _count(database), 120)
    await asyncio.sleep(0.3)
    found = await effects(database)
    assert len(found) == 120
    for number in range(1, 4):
        assert [e for e in found if e.startswith(f"orders/{number} ")] == [f"orders/{number} {v}" for v in range(1, 41)]


async def _count(database: Database) -> int:
    return len(await effects(database))


async def test_2_a_publication_does_not_hang_on_a_stalled_broker(
    proxied_bus: Bus, proxy: Proxy, broker: Broker
) -> None:
    channel = await proxied_bus.open_channel()
    await channel.declare_queue("stalled", durable=True)
    proxy.stall()
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(PublishFailed):
            await proxied_bus.publish(aio_pika.Message(b"1", message_id="same"), exchange="", routing_key="stalled")
    proxy.resume()
    proxied_bus._publish_timeout = PATIENCE_SECONDS
    await proxied_bus.publish(aio_pika.Message(b"2", message_id="same"), exchange="", routing_key="stalled")
    assert b"2" in [message.body for message in await broker.take_all("stalled")]


async def test_3_what_no_queue_takes_is_kept_and_stops_nobody(
    database: Database, bus: Bus, relay: Relay, queue: str, broker: Broker
) -> None:
    assert relay
    async with database.transaction() as connection:
        await append_direct(connection, queue=queue, subject="jobs/1", body=b"{}")
        await append(connection, 1, 1)
    await eventually(lambda: outbox_rows(database), 1)
    await declare_queue(bus, queue, {})
    await eventually(lambda: outbox_rows(database), 0)
    [message] = await broker.take_all(queue)
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT


@pytest.mark.usefixtures("relay")
async def test_3_an_event_published_before_its_queue_existed_is_not_lost(
    database: Database, bus: Bus, background: Background, queue: str
) -> None:
    await place(database, 1)
    await place(database, 2, event_type="orders.paid.v1")
    await eventually(lambda: outbox_rows(database), 0)
    first = background(Consumer(bus, database, Subscription(queue, TYPES, record)).run())
    await eventually(lambda: effects(database), ["orders/1 1"])
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    # The next version of the service hears one type more.
    background(Consumer(bus, database, Subscription(queue, (*TYPES, "orders.paid.v1"), record)).run())
    await eventually(lambda: effects(database), ["orders/1 1", "orders/2 1"])


@pytest.mark.usefixtures("relay")
async def test_3_a_queue_with_other_arguments_is_used_as_it_is(
    database: Database, bus: Bus, background: Background, queue: str
) -> None:
    channel = await bus.open_channel()
    await channel.declare_queue(queue, durable=True, arguments={"x-max-length": 1000})
    await start(Consumer(bus, database, Subscription(queue, TYPES, record)), background)
    await place(database, 1)
    await eventually(lambda: effects(database), ["orders/1 1"])
    assert TOPOLOGY_CONFLICTS.labels(queue)._value.get() >= 1


async def test_4_a_message_in_hand_at_shutdown_is_delivered_again(
    database: Database, bus: Bus, background: Background, broker: Broker, impatient: str
) -> None:
    queue = impatient
    entered = asyncio.Event()

    async def hang(connection: Connection, heard: Event) -> None:
        await record(connection, heard)
        entered.set()
        await asyncio.sleep(3600)

    stopped = Consumer(bus, database, Subscription(queue, TYPES, hang))
    task = background(stopped.run())
    await eventually(lambda: stopped.subscribed)
    await broker.deliver(event(1).encode(), queue)
    await entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await effects(database) == []
    await start(Consumer(bus, database, Subscription(queue, TYPES, record)), background)
    await eventually(lambda: effects(database), ["orders/1 1"])


async def test_4_a_handler_at_work_at_shutdown_may_finish(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    entered = asyncio.Event()

    async def slow(connection: Connection, heard: Event) -> None:
        entered.set()
        await asyncio.sleep(0.3)
        await record(connection, heard)

    consumer = Consumer(bus, database, Subscription(queue, TYPES, slow))
    task = background(consumer.run())
    await eventually(lambda: consumer.subscribed)
    await broker.deliver(event(1).encode(), queue)
    await entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await effects(database) == ["orders/1 1"]
    assert await broker.take_all(queue) == []


async def test_5_a_failing_message_is_tried_again_later(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    tried: list[float] = []

    async def third_time(connection: Connection, heard: Event) -> None:
        await record(connection, heard)
        tried.append(asyncio.get_running_loop().time())
        if len(tried) < 3:
            raise ValueError("not yet")

    delays = (timedelta(milliseconds=200), timedelta(milliseconds=400))
    await start(Consumer(bus, database, Subscription(queue, TYPES, third_time, retry_delays=delays)), background)
    await broker.deliver(event(1).encode(), queue)
    await eventually(lambda: effects(database), ["orders/1 1"])
    assert len(tried) == 3
    assert tried[1] - tried[0] >= 0.15
    assert tried[2] - tried[1] >= 0.30


@pytest.fixture
def parks_early(monkeypatch: pytest.MonkeyPatch, queue: str) -> str:
    """A queue whose poison is given up after three deaths, and whose process waits for nobody when it dies."""
    monkeypatch.setattr(retries, "POISON_DELIVERIES", 3)
    monkeypatch.setattr(keeper, "DRAIN_SECONDS", 0.01)
    return queue


async def test_5_a_message_that_kills_its_process_is_parked_and_its_neighbours_are_handled(
    database: Database, amqp_url: str, bus: Bus, broker: Broker, parks_early: str
) -> None:
    """All that was in hand comes back charged; only the deadly one is given up, with its reason."""
    queue = parks_early
    died = asyncio.Event()

    async def die(connection: Connection, heard: Event) -> None:
        await record(connection, heard)
        if heard.data["id"] == 2:
            died.set()
            await asyncio.sleep(3600)

    subscription = Subscription(queue, TYPES, die)
    await declare_events(bus, "test")
    await declare_subscription(bus, subscription)
    for number in range(1, 9):
        await broker.deliver(event(number).encode(), queue)
    deaths = 0
    parked: list[aio_pika.abc.AbstractIncomingMessage] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not parked:
            async with Bus(RabbitSettings(url=amqp_url), name="mortal") as its_bus:
                process = asyncio.create_task(Consumer(its_bus, database, subscription).run())
                while not died.is_set() and not parked:
                    parked = await broker.take_all(parked_queue(queue))
                    await asyncio.sleep(0.02)
                process.cancel()
                await asyncio.gather(process, return_exceptions=True)
            deaths += died.is_set()
            died.clear()
    assert deaths == 3
    assert [Event.decode(message.body).data["id"] for message in parked] == [2]
    assert "3 times the process died" in str(parked[0].headers[retries.PARKED_REASON])
    async with Bus(RabbitSettings(url=amqp_url), name="heir") as its_bus:
        process = asyncio.create_task(Consumer(its_bus, database, subscription).run())
        survivors = [f"orders/{number} 1" for number in range(1, 9) if number != 2]
        await eventually(lambda: _sorted_effects(database), survivors)
        process.cancel()
        await asyncio.gather(process, return_exceptions=True)
    assert await broker.take_all(parked_queue(queue)) == []


async def _sorted_effects(database: Database) -> list[str]:
    return sorted(await effects(database))


async def test_7_a_duplicate_has_no_second_effect(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    await start(Consumer(bus, database, Subscription(queue, TYPES, record, prefetch=10)), background)
    again = event(1).encode()
    for _ in range(5):
        await broker.deliver(again, queue)
    await broker.deliver(event(2).encode(), queue)
    await eventually(lambda: effects(database), ["orders/1 1", "orders/2 1"])


async def test_7_two_instances_at_the_same_time_have_one_effect(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    async def slow(connection: Connection, heard: Event) -> None:
        await asyncio.sleep(0.1)
        await record(connection, heard)

    for _ in range(2):
        await start(Consumer(bus, database, Subscription(queue, TYPES, slow)), background)
    again = event(1).encode()
    for _ in range(4):
        await broker.deliver(again, queue)
    await eventually(lambda: effects(database), ["orders/1 1"])
    # Each of the four is settled: what would be doubled is doubled by now.
    await eventually(lambda: sum(CONSUMED.labels(queue, how)._value.get() for how in ("handled", "duplicate")), 4)
    assert await effects(database) == ["orders/1 1"]


async def test_8_a_handler_that_outlasts_its_time_is_ended_and_tried_again(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    tried: list[int] = []

    async def first_hangs(connection: Connection, heard: Event) -> None:
        tried.append(1)
        if len(tried) == 1:
            await asyncio.sleep(3600)
        await record(connection, heard)

    subscription = Subscription(
        queue,
        TYPES,
        first_hangs,
        timeout=timedelta(milliseconds=300),
        retry_delays=(timedelta(milliseconds=100),) * 50,  # a busy machine may need more than one
    )
    await start(Consumer(bus, database, subscription), background)
    await broker.deliver(event(1).encode(), queue)
    await eventually(lambda: effects(database), ["orders/1 1"])


@pytest.mark.usefixtures("relay")
async def test_10_two_subscriptions_each_hear_every_event(
    database: Database, bus: Bus, background: Background, queue: str
) -> None:
    await start(Consumer(bus, database, Subscription(f"{queue}.a", TYPES, record)), background)
    await start(Consumer(bus, database, Subscription(f"{queue}.b", TYPES, record)), background)
    await place(database, 1)
    await eventually(lambda: effects(database), ["orders/1 1", "orders/1 1"])


async def test_postgres_going_away_is_no_fault_of_the_message(
    database: Database, bus: Bus, background: Background, broker: Broker, queue: str
) -> None:
    tried: list[int] = []

    async def cut_off(connection: Connection, heard: Event) -> None:
        await record(connection, heard)
        tried.append(1)
        if len(tried) < 3:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    # Without retries the first failure that counts would park it.
    await start(Consumer(bus, database, Subscription(queue, TYPES, cut_off, retry_delays=())), background)
    await broker.deliver(event(1).encode(), queue)
    await eventually(lambda: effects(database), ["orders/1 1"])
    assert await broker.take_all(parked_queue(queue)) == []
