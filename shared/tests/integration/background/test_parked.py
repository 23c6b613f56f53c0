"""What cannot be handled is parked with its reason, shown, put back or dropped by the command."""

import asyncio
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.messaging import Bus, Consumer, Event, Subscription
from shared.messaging.metrics import PARKED
from shared.messaging.parking import observe_parked
from shared.messaging.topology import parked_queue
from shared.postgres import Connection, Database
from shared.testing.waiting import eventually

from .conftest import Broker
from .shop import effects, record

TYPES = ("orders.placed.v1",)
Background = Callable[..., Any]


async def command(amqp_url: str, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shared.parked",
        *arguments,
        env={**os.environ, "AMQP_URL": amqp_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


class Fragile:
    """A handler that a person can repair."""

    def __init__(self) -> None:
        self.broken = True
        self.tried = 0

    async def __call__(self, connection: Connection, event: Event) -> None:
        self.tried += 1
        await record(connection, event)
        if self.broken:
            raise ValueError("the price is missing")


@pytest.fixture
def fragile() -> Fragile:
    return Fragile()


@pytest.fixture
async def parked(database: Database, bus: Bus, background: Background, queue: str, fragile: Fragile) -> str:
    """The queue of a consumer whose handler fails twice at most before the message is parked."""
    consumer = Consumer(bus, database, Subscription(queue, TYPES, fragile, retry_delays=(timedelta(milliseconds=50),)))
    background(consumer.run())
    await eventually(lambda: consumer.subscribed)
    return queue


async def deliver(broker: Broker, queue: str, number: int) -> Event:
    event = Event.new(type=TYPES[0], source="/s", subject=f"orders/{number}", data={"version": 1})
    await broker.deliver(event.encode(), queue)
    return event


async def count(bus: Bus, queue: str) -> int:
    channel = await bus.open_channel()
    found = await channel.declare_queue(parked_queue(queue), passive=True)
    await channel.close()
    return found.declaration_result.message_count or 0


async def test_poison_is_parked_with_its_reason_and_replayed_by_one_command(
    database: Database, bus: Bus, broker: Broker, parked: str, fragile: Fragile
) -> None:
    event = await deliver(broker, parked, 1)
    await eventually(lambda: count(bus, parked), 1)
    assert fragile.tried == 2
    assert await effects(database) == []
    await observe_parked(bus, [parked])
    assert PARKED.labels(parked)._value.get() == 1
    status, output = await command(broker.amqp_url, "list", parked)
    assert status == 0
    assert f"{event.id}  orders.placed.v1" in output
    assert "ValueError: the price is missing" in output
    assert "1 parked" in output
    status, output = await command(broker.amqp_url, "show", parked, event.id)
    assert status == 0
    assert "Traceback" in output
    assert '"subject":"orders/1"' in output
    assert await count(bus, parked) == 1, "looking took it away"
    fragile.broken = False
    status, output = await command(broker.amqp_url, "replay", parked, event.id)
    assert status == 0, output
    await eventually(lambda: effects(database), ["orders/1 1"])
    assert await count(bus, parked) == 0


async def test_one_of_several_is_dropped_and_the_others_stay(bus: Bus, broker: Broker, parked: str) -> None:
    events = [await deliver(broker, parked, number) for number in (1, 2, 3)]
    await eventually(lambda: count(bus, parked), 3)
    assert (await command(broker.amqp_url, "drop", parked, events[1].id))[0] == 0
    assert await eventually(lambda: count(bus, parked)) == 2
    _, output = await command(broker.amqp_url, "list", parked)
    assert events[1].id not in output
    assert (await command(broker.amqp_url, "drop", parked, "unknown"))[0] == 1
    assert (await command(broker.amqp_url, "list", "no-such-queue"))[0] == 1


@pytest.mark.parametrize("body", [b"\xff\x00", b"{}", b'{"specversion": "0.3", "id": "1"}', b"[1]"])
async def test_what_is_no_event_is_parked_at_once(
    bus: Bus, broker: Broker, parked: str, fragile: Fragile, body: bytes
) -> None:
    await broker.deliver(body, parked)
    await eventually(lambda: count(bus, parked), 1)
    assert fragile.tried == 0
    _, output = await command(broker.amqp_url, "list", parked)
    assert "UndecodableEvent" in output


async def test_a_copy_has_a_message_id_of_its_own_and_the_event_keeps_its_own(
    bus: Bus, broker: Broker, parked: str
) -> None:
    """TRAPS.md, RabbitMQ 2: two in flight with one message_id resolve the wrong future."""
    event = await deliver(broker, parked, 1)
    event_again = await deliver(broker, parked, 1)
    await eventually(lambda: count(bus, parked), 2)
    first, second = await broker.take_all(parked_queue(parked))
    assert first.message_id != second.message_id
    assert {Event.decode(first.body).id, Event.decode(second.body).id} == {event.id, event_again.id}
