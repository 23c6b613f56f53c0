"""TRAPS.md, Postgres and outbox 3 and 4: the relay is killed between the confirm and the delete."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from shared.messaging import Bus, Consumer, Event, Relay, Subscription
from shared.messaging.topology import declare_events, declare_queue
from shared.postgres import Database
from shared.testing.waiting import PATIENCE_SECONDS, eventually

from .conftest import Broker
from .shop import append, effects, outbox_rows, record

TYPES = ("orders.placed.v1",)
PROGRAM = Path(__file__).parent / "relay_program.py"


async def test_3_a_kill_between_the_confirm_and_the_delete_loses_nothing_and_doubles_no_effect(
    database: Database, bus: Bus, broker: Broker, background: Callable[..., object], queue: str
) -> None:
    await declare_events(bus, "test")
    await declare_queue(bus, f"{queue}.wire", {"x-queue-type": "quorum"}, bind=TYPES)
    background(Consumer(bus, database, Subscription(queue, TYPES, record)).run())
    async with database.transaction() as connection:
        for version in range(1, 4):
            for number in range(5):
                await append(connection, number, version)
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        env={**os.environ, "DATABASE_URL": database.url, "AMQP_URL": broker.amqp_url},
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        said = await program.stdout.readline()
    # All of them or, where the broker is slow, as many as the first look took.
    confirmed = int(said.removeprefix(b"confirmed "))
    assert 0 < confirmed <= 15
    program.kill()
    await program.wait()
    assert await outbox_rows(database) == 15
    async with database.transaction() as connection:
        for number in range(5):
            await append(connection, number, 4)
    background(Relay(database, bus).run())
    await eventually(lambda: outbox_rows(database), 0)
    await eventually(lambda: _count(database), 20)
    found = await effects(database)
    for number in range(5):
        seen = [effect for effect in found if effect.startswith(f"orders/{number} ")]
        assert seen == [f"orders/{number} {version}" for version in range(1, 5)]
    wire = [Event.decode(message.body) for message in await broker.take_all(f"{queue}.wire")]
    assert (len(wire), len({event.id for event in wire})) == (confirmed + 20, 20)


async def _count(database: Database) -> int:
    return len(await effects(database))
