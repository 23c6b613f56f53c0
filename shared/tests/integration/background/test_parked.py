"""What cannot be handled is parked with its reason, shown, put back or dropped by the command."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from shared.messaging import Bus, Consumer, Event, Subscription
from shared.messaging.metrics import PARKED
from shared.messaging.parking import observe_parked, read_parked
from shared.messaging.topology import declare_queue, parked_queue
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
    assert f"{event.id}  orders.placed.v1  orders/1" in output
    assert "ValueError: the price is missing" in output
    assert "1 parked" in output
    await eventually(lambda: count(bus, parked), 1)
    status, output = await command(broker.amqp_url, "show", parked, event.id)
    assert status == 0
    assert "Traceback" in output
    assert '"subject":"orders/1"' in output
    # What was looked at is back once the broker has seen that whoever looked is gone.
    await eventually(lambda: count(bus, parked), 1)
    fragile.broken = False
    status, output = await command(broker.amqp_url, "replay", parked, event.id)
    assert status == 0, output
    await eventually(lambda: effects(database), ["orders/1 1"])
    await eventually(lambda: count(bus, parked), 0)


async def test_one_of_several_is_dropped_and_the_others_stay(bus: Bus, broker: Broker, parked: str) -> None:
    events = [await deliver(broker, parked, number) for number in (1, 2, 3)]
    await eventually(lambda: count(bus, parked), 3)
    assert (await command(broker.amqp_url, "drop", parked, events[1].id))[0] == 0
    await eventually(lambda: count(bus, parked), 2)
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


async def test_looking_again_and_again_takes_nothing_away(bus: Bus, broker: Broker, parked: str) -> None:
    """Each look is a delivery, and by itself RabbitMQ 4 drops what was delivered twenty times."""
    await deliver(broker, parked, 1)
    await eventually(lambda: count(bus, parked), 1)
    for _ in range(25):
        assert len([each async for each in read_parked(bus, parked)]) == 1
        await eventually(lambda: count(bus, parked), 1)
    arguments = broker.api("GET", f"/api/queues/{broker.vhost}/{parked_queue(parked)}")
    assert isinstance(arguments, dict)
    assert arguments["arguments"]["x-delivery-limit"] > 1_000_000, "the default of RabbitMQ 4 is 20"


async def test_filters_a_dry_run_json_and_an_audit_line(bus: Bus, broker: Broker, parked: str) -> None:
    events = [await deliver(broker, parked, number) for number in (1, 2, 3)]
    await eventually(lambda: count(bus, parked), 3)
    status, output = await command(broker.amqp_url, "list", parked, "--subject", "orders/2", "--json")
    [record] = json.loads(output)
    assert (status, record["id"], record["queue"]) == (0, events[1].id, parked)
    await eventually(lambda: count(bus, parked), 3)
    assert record["reason"] == "ValueError: the price is missing"
    status, output = await command(broker.amqp_url, "replay", parked, "--all", "--dry-run")
    assert (status, "3 would be replayed" in output) == (0, True)
    assert (await command(broker.amqp_url, "drop", parked))[0] == 2, "nothing is named"
    assert (await command(broker.amqp_url, "drop", parked, "--reason", "another"))[0] == 1
    assert (await command(broker.amqp_url, "drop", parked, "--type", "orders.paid.v1"))[0] == 1
    await eventually(lambda: count(bus, parked), 3)
    status, output = await command(
        broker.amqp_url, "drop", parked, "--reason", "price", "--limit", "1", "--by", "ada@example.com"
    )
    line = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    assert (line["event"], line["by"], line["id"]) == ("parked_dropped", "ada@example.com", events[0].id)
    assert json.loads(line["body"])["subject"] == "orders/1", "what is gone for good stands in the log"
    await eventually(lambda: count(bus, parked), 2)


async def test_a_broker_that_is_away_and_a_url_that_is_none_are_told_in_words() -> None:
    status, output = await command("amqp://guest:guest@127.0.0.1:1/", "list", "any")
    assert (status, "RabbitMQ does not answer" in output) == (2, True)
    status, output = await command("", "list", "any")
    assert status != 0
    assert "Traceback" not in output


async def test_a_replay_to_a_queue_that_is_gone_leaves_it_parked(bus: Bus, broker: Broker) -> None:
    await declare_queue(bus, parked_queue("gone"), {"x-queue-type": "quorum"})
    event = Event.new(type=TYPES[0], source="/s", subject="orders/1", data={"version": 1})
    await broker.deliver(event.encode(), parked_queue("gone"))
    status, output = await command(broker.amqp_url, "replay", "gone", "--all")
    assert (status, "stays parked" in output) == (1, True)
    await eventually(lambda: count(bus, "gone"), 1)


async def test_data_that_are_wrong_are_parked_at_once(
    database: Database, bus: Bus, broker: Broker, background: Background, queue: str
) -> None:
    """A forged event is no outage: no retry makes its data right."""
    tried = 0

    async def strict(connection: Connection, event: Event) -> None:
        nonlocal tried
        tried += 1
        if event.subject == "orders/1":
            TypeAdapter(int).validate_python(event.data["version"], strict=True)
        await connection.execute("SELECT $1::bigint", event.data["version"])

    consumer = Consumer(bus, database, Subscription(queue, TYPES, strict))
    background(consumer.run())
    await eventually(lambda: consumer.subscribed)
    for number, version in ((1, "one"), (2, "two")):
        event = Event.new(type=TYPES[0], source="/s", subject=f"orders/{number}", data={"version": version})
        # One by one: two that come as a batch are tried together, and then each by itself.
        await broker.deliver(event.encode(), queue)
        await eventually(lambda: count(bus, queue), number)
    assert tried == 2
