"""TRAPS.md, RabbitMQ 3, and the order of an aggregate: one message that the broker will not have."""

from uuid import uuid4

import aio_pika
import pytest

from shared.messaging import Bus, Relay
from shared.messaging.bus import Refused
from shared.messaging.metrics import PUBLISH_FAILURES
from shared.messaging.outbox import OutboxMessage, append_direct, append_messages
from shared.messaging.topology import declare_queue
from shared.postgres import Connection, Database
from shared.testing.waiting import eventually

from .conftest import Broker
from .shop import append, outbox_rows

pytestmark = pytest.mark.usefixtures("relay")


async def declare(bus: Bus, name: str, arguments: dict[str, object] | None = None) -> None:
    await declare_queue(bus, name, {"x-queue-type": "quorum", **(arguments or {})})


async def write(connection: Connection, subject: str, *queues: str) -> None:
    for number, queue in enumerate(queues):
        await append_direct(connection, queue=queue, subject=subject, body=f"{subject} {number}".encode())


async def bodies(broker: Broker, queue: str) -> list[str]:
    return [message.body.decode() for message in await broker.take_all(queue)]


async def test_3_what_follows_a_nacked_message_on_its_subject_waits_and_others_pass(
    database: Database, bus: Bus, broker: Broker, queue: str
) -> None:
    full, free = f"{queue}.full", f"{queue}.free"
    await declare(bus, full, {"x-max-length": 1, "x-overflow": "reject-publish"})
    await declare(bus, free)
    with pytest.raises(Refused):
        await _fill(bus, full)
    refused = PUBLISH_FAILURES.labels("refused")
    before = refused._value.get()
    async with database.transaction() as connection:
        await write(connection, "orders/1", full, free, free)
        await write(connection, "orders/2", free, free)
    await eventually(lambda: _waiting(database, "orders/2"), 0)
    await eventually(lambda: refused._value.get() > before)
    assert await bodies(broker, free) == ["orders/2 0", "orders/2 1"]
    assert await _waiting(database, "orders/1") == 3
    async with database.transaction() as connection:
        await write(connection, "orders/1", free)
    # What comes after the refusal is held too, before there is room again.
    await eventually(lambda: _held(database), 4)
    arrived: list[str] = []

    async def make_room() -> bool:
        arrived.extend(await bodies(broker, full))
        return await outbox_rows(database) == 0

    await eventually(make_room)
    arrived += await bodies(broker, full)
    assert [body for body in arrived if body != "fill"] == ["orders/1 0"]
    assert await bodies(broker, free) == ["orders/1 1", "orders/1 2", "orders/1 0"]


async def _fill(bus: Bus, queue: str) -> None:
    # A quorum queue takes some above its length before it says no.
    for _ in range(50):
        await bus.publish(aio_pika.Message(b"fill"), exchange="", routing_key=queue)


async def test_3_hundreds_of_unroutable_messages_hold_nobody_up(
    database: Database, bus: Bus, broker: Broker, queue: str
) -> None:
    free = f"{queue}.free"
    await declare(bus, free)
    async with database.transaction() as connection:
        for number in range(200):
            await append_direct(connection, queue=f"{queue}.missing", subject=f"jobs/{number}", body=b"{}")
        await append_direct(connection, queue=free, subject="jobs/200", body=b"good")
    await eventually(lambda: _held(database), 200)
    assert await eventually(lambda: bodies(broker, free)) == ["good"]
    await declare(bus, f"{queue}.missing")
    await eventually(lambda: outbox_rows(database), 0)
    assert len(await bodies(broker, f"{queue}.missing")) == 200


async def test_3_a_message_that_makes_the_broker_close_the_channel_is_found_and_held(
    database: Database, bus: Bus, broker: Broker, queue: str
) -> None:
    await declare(bus, queue)
    async with database.transaction() as connection:
        await write(connection, "orders/1", queue)
        await append_messages(connection, [_to_exchange("nowhere", "orders/2")])
        await write(connection, "orders/2", queue)
        await write(connection, "orders/3", queue, queue)
    await eventually(lambda: _others(database), 0)
    await eventually(lambda: _held(database), 2)
    assert sorted(set(await bodies(broker, queue))) == ["orders/1 0", "orders/3 0", "orders/3 1"]


async def test_3_a_message_that_amqp_has_no_place_for_is_held_and_the_rest_goes_out(
    database: Database, relay: Relay
) -> None:
    assert relay
    async with database.transaction() as connection:
        await append_messages(connection, [_to_exchange("x" * 300, "orders/1")])
        await append(connection, 2, 1)
    await eventually(lambda: _others(database, "orders/1"), 0)
    await eventually(lambda: _held(database), 1)


def _to_exchange(exchange: str, subject: str) -> OutboxMessage:
    return OutboxMessage(uuid4(), exchange, "some.key", subject, "application/json", b"{}", None)


async def _fetch(database: Database, query: str, *arguments: object) -> int:
    async with database.acquire() as connection:
        return await connection.fetchval(query, *arguments)


async def _waiting(database: Database, subject: str) -> int:
    return await _fetch(database, "SELECT count(*) FROM outbox WHERE subject = $1", subject)


async def _others(database: Database, subject: str = "orders/2") -> int:
    return await _fetch(database, "SELECT count(*) FROM outbox WHERE subject <> $1", subject)


async def _held(database: Database) -> int:
    return await _fetch(database, "SELECT count(*) FROM outbox WHERE retry_at IS NOT NULL")
