"""TRAPS, forwarding 11: reloads under load drop nothing, and every way of changing the file is seen."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from gateway_testing.process import ROUTES, GatewayProcess, Valkey
from gateway_testing.upstream import Call, RawUpstream, echo
from gateway_testing.wire import Wire, ask, request
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from shared.testing.waiting import PATIENCE_SECONDS, eventually

RELOADS = 50
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@contextlib.asynccontextmanager
async def running(upstream: RawUpstream, valkey: Valkey, routes: Path, **environment: str):
    watch = {"ROUTES_WATCH_SECONDS": "0.02", **environment}
    process = GatewayProcess(upstream.port, valkey.port, GATEWAY_ROUTES=str(routes), **watch)
    await asyncio.to_thread(process.start)
    try:
        await process.ready()
        yield process
    finally:
        await asyncio.to_thread(process.stop)


def figures(number: int) -> str:
    """A routes file whose every upstream gets new pools, and whose routes move."""
    return (
        ROUTES.read_text().replace('keep_alive = "10s"', f'keep_alive = "{5 + number % 5}s"')
        + f'\n[upstreams.socket]\nurl = "${{SOCKET_URL:-http://localhost:1}}"\nkeep_alive = "{5 + number % 5}s"\n'
        + '[[routes]]\npath = "/socket"\nmethods = ["GET"]\nupstream = "socket"\nversions = []\n'
        + 'identity = "ignored"\nwebsocket = true\n'
        + f'\n[[routes]]\npath = "/plain/reload/{number}"\nmethods = ["GET"]\nupstream = "main"\nversions = []\n'
        + 'identity = "ignored"\n'
    )


def in_place(file: Path, text: str) -> None:
    file.write_text(text)


def renamed(file: Path, text: str) -> None:
    """As editors save."""
    other = file.with_name("saved")
    other.write_text(text)
    other.replace(file)


def linked(file: Path, text: str) -> None:
    """As Kubernetes mounts a ConfigMap: the file is a link into a folder that is a link, which is swapped."""
    folder = file.parent / f"..{abs(hash(text))}"
    folder.mkdir()
    (folder / file.name).write_text(text)
    link = file.parent / "..new"
    link.symlink_to(folder.name)
    link.replace(file.parent / "..data")
    if not file.is_symlink():
        file.unlink(missing_ok=True)
        file.symlink_to(Path("..data") / file.name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "routes.toml"
    path.write_text(figures(0))
    return path


@dataclass
class Load:
    """Clients that keep alive, one that connects anew each time, a stream and a WebSocket that must not end."""

    port: int
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    events: int = 0
    messages: int = 0

    async def kept(self, body: bytes | None) -> None:
        wire = await Wire.open(self.port)
        sent = request("GET" if body is None else "POST", "/api/v1/things", body=body)
        while not self.stop.is_set():
            try:
                await wire.send(sent)
                answer = await wire.answer()
            except (ConnectionError, TimeoutError) as error:
                self.failures.append(repr(error))
                return
            self.count(answer.status)

    async def anew(self) -> None:
        while not self.stop.is_set():
            try:
                answer = await ask(self.port, "GET", "/api/v1/things")
            except (ConnectionError, TimeoutError) as error:
                self.failures.append(repr(error))
                return
            self.count(answer.status)

    def count(self, status: int) -> None:
        self.answered += 1
        if status != 200:
            self.failures.append(str(status))

    async def stream(self) -> None:
        wire = await Wire.open(self.port)
        await wire.send(request("GET", "/api/v1/live"))
        while not self.stop.is_set():
            try:
                async with asyncio.timeout(60):
                    await wire.reader.readuntil(b"data: a\n\n")
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
                self.failures.append(f"stream: {error!r}")
                return
            self.events += 1
        wire.abort()

    async def talk(self) -> None:
        """A WebSocket that asks and is answered for as long as the load lasts."""
        try:
            async with connect(f"ws://127.0.0.1:{self.port}/socket", proxy=None) as client:
                while not self.stop.is_set():
                    await client.send(str(self.messages))
                    assert await asyncio.wait_for(client.recv(), PATIENCE_SECONDS) == str(self.messages)
                    self.messages += 1
                    await asyncio.sleep(0.01)
        except (OSError, ConnectionClosed, TimeoutError) as error:
            self.failures.append(f"websocket: {error!r}")


async def echoes(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def serves(call: Call) -> None:
    if "/live" not in call.seen.target:
        await asyncio.sleep(0.005)  # so that requests are under way at every reload
        await echo(call)
        return
    await call.send(EVENTS)
    while not await call.hung_up(0.05):
        await call.send(b"9\r\ndata: a\n\n\r\n")


@contextlib.asynccontextmanager
async def loaded(gateway: GatewayProcess) -> AsyncIterator[Load]:
    load = Load(gateway.port)
    clients = [load.kept(None), load.kept(None), load.kept(b"x" * 3000), load.anew(), load.stream(), load.talk()]
    tasks = [asyncio.create_task(client) for client in clients]
    yield load
    load.stop.set()
    await asyncio.gather(*tasks)


async def test_trap_11_fifty_reloads_under_load_fail_no_request_and_cut_nothing(
    upstream: RawUpstream, valkey: Valkey, file: Path
):
    upstream.manner = serves
    async with (
        serve(echoes, "127.0.0.1", 0) as service,
        running(
            upstream,
            valkey,
            file,
            ROUTES_WATCH_SECONDS="0",
            SOCKET_URL=f"http://127.0.0.1:{next(iter(service.sockets)).getsockname()[1]}",
        ) as gateway,
        loaded(gateway) as load,
    ):
        connections = upstream.connections
        for number in range(1, RELOADS + 1):
            before = load.answered
            in_place(file, figures(number))
            gateway.signal(signal.SIGHUP)
            await gateway.times_logged_is(number, event="routes_reloaded")
            async with asyncio.timeout(60):
                while load.answered < before + 5 and not load.failures:
                    await asyncio.sleep(0.005)
            assert not load.failures
        assert (await ask(gateway.port, "GET", f"/plain/reload/{RELOADS}")).status == 200
        assert (await ask(gateway.port, "GET", f"/plain/reload/{RELOADS - 1}")).status == 404
        assert await gateway.metric("gateway_routes_reloads_total", result="taken") == RELOADS
        assert upstream.connections - connections >= RELOADS, "pools were replaced"
        assert load.events > 20
        assert load.messages > 20
    assert not load.failures
    assert load.answered >= 5 * RELOADS


def refusals(gateway: GatewayProcess) -> list[str]:
    return [text for line in gateway.lines_logged(event="routes_refused") for text in line["problems"]]


@pytest.mark.parametrize("change", [in_place, renamed, linked])
async def test_a_change_of_the_file_is_seen_however_it_is_made(
    upstream: RawUpstream, valkey: Valkey, tmp_path: Path, change: object
):
    assert callable(change)
    file = tmp_path / "routes.toml"
    change(file, figures(1))
    async with running(upstream, valkey, file) as gateway:
        for number in (2, 3):
            change(file, figures(number))
            await gateway.times_logged_is(number - 1, event="routes_reloaded")
            assert (await ask(gateway.port, "GET", f"/plain/reload/{number}")).status == 200
        change(file, "[[routes]]\npath = 1\n")
        # A file that is written in place may have been read half written, and refused for that, before.
        await eventually(lambda: any("routes.toml:2: routes[0].path" in text for text in refusals(gateway)))
        assert (await ask(gateway.port, "GET", "/plain/reload/3")).status == 200
        assert await gateway.metric("gateway_routes_reload_success") == 0
        change(file, figures(4))
        await gateway.times_logged_is(3, event="routes_reloaded")
        await eventually(lambda: gateway.metric("gateway_routes_reload_success"))


async def test_all_workers_take_the_new_routes(upstream: RawUpstream, valkey: Valkey, file: Path):
    async with running(upstream, valkey, file, WORKERS="2", ROUTES_WATCH_SECONDS="0") as gateway:
        await gateway.times_logged_is(2, event="worker_accepting")
        in_place(file, figures(1))
        gateway.signal(signal.SIGHUP)
        await gateway.times_logged_is(2, event="routes_reloaded")
        answers = await asyncio.gather(*(ask(gateway.port, "GET", "/plain/reload/1") for _ in range(12)))
        assert {answer.status for answer in answers} == {200}
