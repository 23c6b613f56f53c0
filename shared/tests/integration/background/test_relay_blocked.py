"""TRAPS.md, RabbitMQ 2: a broker short of memory reads from no publisher: wait for it, lose and repeat nothing."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest
import pytest_asyncio

from shared.messaging import Bus, Event, Relay
from shared.messaging.metrics import OUTBOX_BLOCKED, PUBLISH_FAILURES
from shared.messaging.topology import declare_events, declare_queue
from shared.postgres import Database
from shared.testing.waiting import eventually

from .conftest import Broker
from .shop import outbox_rows, place

Watermark: TypeAlias = Callable[[str], Awaitable[None]]
CONTROLS = ("/usr/lib/rabbitmq/bin/rabbitmqctl", "/opt/homebrew/sbin/rabbitmqctl", "/usr/local/sbin/rabbitmqctl")


@pytest.fixture
def control(pytestconfig: pytest.Config) -> tuple[str, str, dict[str, str]]:
    """The embedded broker's own command, its node and environment."""
    state = pytestconfig.rootpath / ".state" / "test"
    control = next((path for path in CONTROLS if Path(path).exists()), None)
    if control is None or "TEST_ADMIN_DATABASE_URL" in os.environ or not (state / "ports.json").exists():
        pytest.skip("the broker of this run is not the embedded one: nobody here may raise its alarm")
    node = f"gatehouse-{hashlib.sha256(str(state).encode()).hexdigest()[:10]}@localhost"
    return (
        control,
        node,
        {
            "PATH": os.environ["PATH"],
            "HOME": str(state / "rabbitmq"),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(json.loads((state / "ports.json").read_text())["epmd"]),
        },
    )


@pytest_asyncio.fixture
async def watermark(control: tuple[str, str, dict[str, str]]) -> AsyncIterator[Watermark]:
    """Sets how much of the memory the broker may use before it raises its alarm."""
    program, node, environment = control

    async def change(fraction: str) -> None:
        command = (program, "-n", node, "set_vm_memory_high_watermark", fraction)
        done = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await done.communicate()
        assert done.returncode == 0, said.decode()

    yield change
    await change("0.4")


async def test_2_a_blocked_broker_is_waited_for_and_nothing_is_lost_or_sent_again(
    database: Database, bus: Bus, broker: Broker, background: Callable[..., object], watermark: Watermark
) -> None:
    await declare_events(bus, "test")
    await declare_queue(bus, "blocked", {"x-queue-type": "quorum"}, bind=["orders.placed.v1"])
    background(Relay(database, bus).run())
    await place(database, 1)
    await eventually(lambda: outbox_rows(database), 0)
    # Shorter than the alarm: who takes silence for a lost line would connect and publish again and again.
    bus._publish_timeout = 3.0
    unconfirmed = PUBLISH_FAILURES.labels("unconfirmed")
    before = unconfirmed._value.get()
    await watermark("0.000001")
    for number in range(2, 7):
        await place(database, number)
    # The broker says that it is short once we publish.
    await eventually(OUTBOX_BLOCKED._value.get, 1)
    blocked_at = asyncio.get_running_loop().time()
    await eventually(lambda: asyncio.get_running_loop().time() - blocked_at > 4.5)
    assert await outbox_rows(database) == 5
    assert unconfirmed._value.get() == before
    await watermark("0.4")
    await eventually(lambda: outbox_rows(database), 0)
    await eventually(OUTBOX_BLOCKED._value.get, 0)
    arrived = [Event.decode(message.body).subject for message in await broker.take_all("blocked")]
    assert sorted(arrived) == [f"orders/{number}" for number in range(1, 7)]
