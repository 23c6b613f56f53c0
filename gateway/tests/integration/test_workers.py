"""Several workers on one port: one that is killed loses what it had in hand and nothing else; metrics are one."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import psutil
import pytest
from gateway_testing.process import GatewayProcess, Valkey, free_port
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import PATIENCE_SECONDS

CLIENTS = 24
REQUEST = request("GET", "/api/v1/things")


@dataclass
class Client:
    """Asks over one connection for as long as it lasts, then over a new one."""

    port: int
    answered: int = 0
    after: int = 0
    lost: int = 0
    refused: int = 0
    killed: bool = False

    async def run(self, stop: asyncio.Event) -> None:
        wire = await Wire.open(self.port)
        while not stop.is_set():
            try:
                await wire.send(REQUEST)
                assert (await wire.answer()).status == 200
                self.answered += 1
                self.after += self.killed
            except ConnectionError:
                self.lost += 1
                try:
                    wire = await Wire.open(self.port)
                except ConnectionError:
                    self.refused += 1
                    return
        wire.close()


def workers(gateway: GatewayProcess) -> list[int]:
    return [child.pid for child in psutil.Process(gateway.pid).children()]


@pytest.fixture
async def several(
    running_upstream: RawUpstream, valkey: Valkey, request: pytest.FixtureRequest
) -> AsyncIterator[GatewayProcess]:
    not_ready = getattr(request, "param", "0")
    process = GatewayProcess(running_upstream.port, valkey.port, WORKERS="2", HTTP_NOT_READY_SECONDS=not_ready)
    await asyncio.to_thread(process.start)
    await process.ready()
    await until(process, "gateway_workers_accepting", 2)
    yield process
    await asyncio.to_thread(process.stop)


async def test_workers_of_the_command_line_part_the_local_share_too(running_upstream: RawUpstream, valkey: Valkey):
    admin = free_port()
    process = GatewayProcess(running_upstream.port, valkey.port, ADMIN_PORT=str(admin), ADMIN_HOSTS="gateway.test")
    process.arguments = ["--workers", "2"]
    await asyncio.to_thread(process.start)
    try:
        await process.ready()
        await until(process, "gateway_workers_accepting", 2)
        found = (await ask(admin, "GET", "/admin/limits")).json()["workers"]
        assert [worker["answer"]["limits"]["local_share"] for worker in found] == [0.125, 0.125]
    finally:
        await asyncio.to_thread(process.stop)


async def until(gateway: GatewayProcess, metric: str, value: float) -> None:
    async with asyncio.timeout(60):
        while await gateway.metric(metric) != value:
            await asyncio.sleep(0.05)


async def test_a_killed_worker_loses_what_it_had_in_hand_and_comes_back(several: GatewayProcess):
    stop = asyncio.Event()
    clients = [Client(several.port) for _ in range(CLIENTS)]
    load = [asyncio.create_task(client.run(stop)) for client in clients]
    async with asyncio.timeout(60):
        while min(client.answered for client in clients) < 5:
            await asyncio.sleep(0.02)
    before = await several.metric("gateway_requests_total", route="/api/things")
    dead = workers(several)[0]
    os.kill(dead, signal.SIGKILL)
    for client in clients:
        client.killed = True
    await several.logged(event="worker_died")
    ready = await ask(several.port, "GET", "/health/ready")
    assert ready.status == 200
    # A new one may be there by now, on a machine that paused.
    assert ready.json()["checks"]["workers"] == "unhealthy" or several.times_logged(event="worker_accepting") > 2
    # Connections that the kernel gives to the dead one's socket are taken by the other.
    fresh = await asyncio.gather(*(ask(several.port, "GET", "/api/v1/things") for _ in range(20)))
    assert {answer.status for answer in fresh} == {200}
    after = await several.metric("gateway_requests_total", route="/api/things")
    assert after >= before > 0, "no sum goes down"
    await until(several, "gateway_workers_accepting", 2)
    async with asyncio.timeout(60):
        while min(client.after for client in clients) < 5:
            await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*load)
    assert {client.refused for client in clients} == {0}
    assert {client.lost for client in clients} == {0, 1}, "one request of each of its connections, none of the others'"
    assert (await ask(several.port, "GET", "/health/ready")).json()["checks"]["workers"] == "healthy"
    assert len(workers(several)) == 2
    assert dead not in workers(several)
    assert await several.metric("gateway_worker_restarts_total") == 1
    assert await several.metric("gateway_requests_total", route="/api/things") >= after


# Long enough for all that is asked meanwhile.
@pytest.mark.parametrize("several", ["3"], indirect=True)
async def test_a_stop_ends_all_in_order(several: GatewayProcess, upstream: RawUpstream):
    """Readiness first, then `Connection: close` for those who keep alive, and what is in flight is finished."""
    started, go_on = asyncio.Queue[None](), asyncio.Event()

    async def waits(call: Call) -> None:
        if "held" in call.seen.target:
            started.put_nowait(None)
            await go_on.wait()
        await call.answer(200, b"done")

    upstream.manner = waits
    kept = [await Wire.open(several.port) for _ in range(8)]
    for wire in kept:
        await wire.send(REQUEST)
        assert (await wire.answer()).get("connection") != "close"
    busy = [await Wire.open(several.port) for _ in range(8)]
    for wire in busy:
        await wire.send(request("GET", "/api/v1/things?held=1"))
        await asyncio.wait_for(started.get(), PATIENCE_SECONDS)
    several.signal(signal.SIGTERM)
    await several.times_logged_is(2, event="draining")
    ready = await ask(several.port, "GET", "/health/ready")
    assert (ready.status, ready.json()["status"]) == (503, "draining")
    for wire in kept:
        await wire.send(REQUEST)
        answer = await wire.answer()
        assert (answer.status, answer["connection"]) == (200, "close")
        assert await wire.closed()
    new = await ask(several.port, "GET", "/api/v1/things")
    assert (new.status, new["connection"]) == (200, "close")
    go_on.set()
    assert {(await wire.answer()).body for wire in busy} == {b"done"}
    assert await asyncio.to_thread(several.wait) == 0


async def test_workers_whose_parent_is_killed_finish_and_end(several: GatewayProcess):
    orphans = [psutil.Process(pid) for pid in workers(several)]
    os.kill(several.pid, signal.SIGKILL)
    await asyncio.to_thread(several.wait)
    _, alive = await asyncio.to_thread(psutil.wait_procs, orphans, PATIENCE_SECONDS)
    assert not alive
