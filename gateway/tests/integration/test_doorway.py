"""Gateways behind one doorway: one replaces the other and no request fails; what becomes of them when it dies."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, Valkey, free_port
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import ask

PATH = "/api/v1/things"


class Door:
    """``python -m gateway.doorway``, started and killed."""

    def __init__(self, folder: Path) -> None:
        self.path, self.port = folder / "door", free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "HTTP_DOORWAY": str(self.path), "HTTP_PORT": str(self.port)}
        self._process = subprocess.Popen([sys.executable, "-m", "gateway.doorway"], env=environment)

    def end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(60)

    async def answers(self) -> int:
        """The status of an answer by the public port; 0 where nobody listens."""
        try:
            return (await ask(self.port, "GET", PATH)).status
        except ConnectionError:
            return 0


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    door.start()
    yield door
    door.end(signal.SIGKILL)


@pytest.fixture
async def gateways(
    running_upstream: RawUpstream, valkey: Valkey, door: Door
) -> AsyncIterator[Callable[..., GatewayProcess]]:
    made: list[GatewayProcess] = []

    def start(**environment: str) -> GatewayProcess:
        one = GatewayProcess(running_upstream.port, valkey.port, HTTP_DOORWAY=str(door.path), **environment)
        made.append(one)
        one.start()
        return one

    yield start
    for one in made:
        await asyncio.to_thread(one.stop)


class Asking:
    """Four clients, a new connection for each request."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._stopping = False
        self.statuses: list[int] = []

    @contextmanager
    def running(self) -> Iterator["Asking"]:
        tasks = [asyncio.create_task(self._go_on()) for _ in range(4)]
        try:
            yield self
        finally:
            self._stopping = True
            self._tasks = tasks

    async def ended(self) -> list[int]:
        await asyncio.gather(*self._tasks)
        return self.statuses

    async def more(self, count: int = 50) -> None:
        wanted = len(self.statuses) + count
        while len(self.statuses) < wanted:
            await asyncio.sleep(0.01)

    async def _go_on(self) -> None:
        while not self._stopping:
            self.statuses.append(await self._door.answers())


async def test_a_gateway_is_replaced_behind_the_doorway_and_no_request_fails(
    door: Door, gateways: Callable[..., GatewayProcess]
):
    old = gateways()
    await old.ready()
    asking = Asking(door)
    with asking.running():
        await asking.more()
        new = gateways(HTTP_HOLD="true", WORKERS="2")
        await new.ready()
        new.signal(signal.SIGUSR1)
        await asking.more()
        old.signal(signal.SIGTERM)
        assert await asyncio.to_thread(old.wait, 60) == 0
        await asking.more()
    assert set(await asking.ended()) == {200}
    assert await new.metric("gateway_requests_total", route=PATH.replace("/v1", ""), status="200") >= 50
    new.signal(signal.SIGTERM)
    await asyncio.to_thread(new.wait, 60)
    assert await door.answers() == 0, "nobody is there, and the port says so"


async def test_a_gateway_whose_doorway_dies_ends_and_finds_the_next_one(
    door: Door, gateways: Callable[..., GatewayProcess]
):
    first = gateways()
    await first.ready()
    assert await door.answers() == 200
    door.end(signal.SIGKILL)
    assert await asyncio.to_thread(first.wait, 60) == 0, "who started it is to start it again"
    second = gateways()
    door.start()
    await second.ready()
    assert await door.answers() == 200
    assert door.end(signal.SIGTERM) == 0
    assert await asyncio.to_thread(second.wait, 60) == 0


async def test_a_doorway_that_is_not_there_is_said(gateways: Callable[..., GatewayProcess], door: Door):
    door.end(signal.SIGTERM)
    alone = gateways(HTTP_DOORWAY_SECONDS="0")
    assert await asyncio.to_thread(alone.wait, 60) == 1
    await alone.logged(event="not_let_in", doorway=str(door.path))
