"""WebSockets through the gateway (RFC 6455): `websockets` on both ends, the gateway as a process between."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from shared.testing.waiting import PATIENCE_SECONDS

ROUTES = Path(__file__).parent / "wire.toml"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3
HANDSHAKE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
}
MEGABYTE = 1_000_000


class SocketService:
    """Echoes, or does what the path's last word says."""

    def __init__(self) -> None:
        self.port = 0
        self.open: list[ServerConnection] = []
        self.sent = 0

    async def serve(self, connection: ServerConnection) -> None:
        self.open.append(connection)
        assert connection.request is not None
        path = connection.request.path
        with contextlib.suppress(ConnectionClosed):
            if path.endswith("/headers"):
                await connection.send(str(connection.request.headers))
            elif path.endswith("/flood"):
                for _ in range(200):
                    await connection.send(b"x" * MEGABYTE)
                    self.sent += MEGABYTE
            async for message in connection:
                await connection.send(message)


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[SocketService]:
    found = SocketService()
    async with serve(found.serve, "127.0.0.1", 0, max_size=None, ping_interval=None) as server:
        found.port = next(iter(server.sockets)).getsockname()[1]
        yield found


Start = Callable[[], Awaitable[GatewayProcess]]


@pytest.fixture(scope="module")
async def start(running_upstream: RawUpstream, valkey: Valkey, service: SocketService) -> AsyncIterator[Start]:
    made: list[GatewayProcess] = []

    async def begin() -> GatewayProcess:
        process = GatewayProcess(
            running_upstream.port,
            valkey.port,
            GATEWAY_ROUTES=str(ROUTES),
            SOCKET_URL=f"http://127.0.0.1:{service.port}",
            HTTP_DRAIN_SECONDS="3",
        )
        made.append(process)
        await asyncio.to_thread(process.start)
        await process.ready()
        return process

    yield begin
    for process in made:
        await asyncio.to_thread(process.stop)


@pytest.fixture(scope="module")
async def gate(start: Start) -> GatewayProcess:
    return await start()


def opening(gateway: GatewayProcess, path: str, **named: object) -> connect:
    named = {"max_size": None, "ping_interval": None, "proxy": None, "compression": None, **named}
    return connect(f"ws://127.0.0.1:{gateway.port}{path}", **named)  # pyright: ignore[reportArgumentType]


async def test_messages_of_all_sizes_come_back_as_they_went(gate: GatewayProcess):
    async with opening(gate, "/socket/echo") as link:
        for message in ("", "a", "b" * 125, "c" * 126, "d" * 65536, b"e" * (5 * MEGABYTE), "f"):
            await link.send(message)
            assert await link.recv() == message
        assert link.response is not None
        assert link.response.headers["x-content-type-options"] == "nosniff"
    entry = await gate.logged(route="/socket/{name}", status=101)
    assert entry["bytes_in"] > 5 * MEGABYTE
    assert entry["bytes_out"] > 5 * MEGABYTE


async def test_the_service_gets_a_handshake_and_nothing_else_of_the_hop(gate: GatewayProcess):
    async with opening(gate, "/socket/headers", additional_headers={"x-user-id": "1"}) as link:
        headers = str(await link.recv()).lower()
    assert "upgrade: websocket" in headers
    assert "x-forwarded-for: 127.0.0.1" in headers
    assert "x-user-id" not in headers


async def test_identity_and_scopes_hold_for_a_handshake(gate: GatewayProcess, issuer: Issuer):
    with pytest.raises(InvalidStatus) as refused:
        await opening(gate, "/private-socket")
    assert refused.value.response.status_code == 401
    token = issuer.token(scope="other")
    with pytest.raises(InvalidStatus) as refused:
        await opening(gate, "/private-socket", additional_headers={"authorization": f"Bearer {token}"})
    assert refused.value.response.status_code == 403
    async with opening(
        gate, "/private-socket", additional_headers={"authorization": f"Bearer {issuer.token()}"}
    ) as link:
        await link.send("in")
        assert await link.recv() == "in"


async def test_limits_count_handshakes(gate: GatewayProcess):
    for _ in range(3):
        async with opening(gate, "/limited-socket"):
            pass
    with pytest.raises(InvalidStatus) as refused:
        await opening(gate, "/limited-socket")
    assert refused.value.response.status_code == 429


async def test_pages_of_other_origins_may_not_open_one(gate: GatewayProcess):
    for origin in (None, "https://app.example.com", f"http://127.0.0.1:{gate.port}"):
        async with opening(gate, "/socket/echo", origin=origin):
            pass
    for origin in ("https://evil.example", "null", "https://app.example.com.evil.example", "https://app.example.com:1"):
        with pytest.raises(InvalidStatus) as refused:
            await opening(gate, "/socket/echo", origin=origin)
        assert refused.value.response.status_code == 403


async def _none_open(gateway: GatewayProcess) -> None:
    async with asyncio.timeout(60):
        while await gateway.metric("gateway_streams"):
            await asyncio.sleep(0.02)


async def test_one_client_opens_so_many_and_a_pool_of_two_is_not_used_up(gate: GatewayProcess):
    await _none_open(gate)
    links = [await opening(gate, "/socket/echo") for _ in range(4)]
    with pytest.raises(InvalidStatus) as refused:
        await opening(gate, "/socket/echo")
    assert refused.value.response.status_code == 429
    assert await gate.metric("gateway_websockets", route="/socket/{name}") == 4
    assert await gate.metric("gateway_streams") == 4
    for link in links:
        await link.close()
    await _none_open(gate)
    assert await gate.metric("gateway_websockets", route="/socket/{name}") == 0
    async with opening(gate, "/socket/echo"):
        pass


async def test_a_slow_reader_slows_the_service_and_costs_no_memory(gate: GatewayProcess, service: SocketService):
    before = psutil.Process(gate.pid).memory_info().rss
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    link.connect(("127.0.0.1", gate.port))
    link.setblocking(False)
    service.sent = 0
    async with opening(gate, "/socket/flood", sock=link, max_queue=1, close_timeout=0.1) as opened:
        stood, seen = 0, -1
        async with asyncio.timeout(60):
            while stood < 5:
                await asyncio.sleep(0.05)
                stood, seen = (stood + 1 if service.sent == seen else 0), service.sent
        assert service.sent < 30 * MEGABYTE
        assert psutil.Process(gate.pid).memory_info().rss - before < 8 * MEGABYTE
        opened.transport.abort()


async def test_the_end_of_either_side_reaches_the_other(gate: GatewayProcess, service: SocketService):
    link = await opening(gate, "/socket/echo")
    await link.send("x")
    await link.recv()
    service.open[-1].transport.abort()
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(link.recv(), PATIENCE_SECONDS)

    link = await opening(gate, "/socket/echo")
    await link.send("x")
    await link.recv()
    link.transport.abort()
    await asyncio.wait_for(service.open[-1].wait_closed(), PATIENCE_SECONDS)

    link = await opening(gate, "/socket/echo")
    await link.send("x")
    await link.recv()
    await link.close(code=4001, reason="mine")
    await asyncio.wait_for(service.open[-1].wait_closed(), PATIENCE_SECONDS)
    assert (service.open[-1].close_code, service.open[-1].close_reason) == (4001, "mine")
    assert link.close_code == 4001


async def test_an_idle_one_is_told_to_go_away(gate: GatewayProcess, service: SocketService):
    link = await opening(gate, "/short-socket")
    for _ in range(4):
        await asyncio.sleep(0.5)  # longer in all than the idle time
        await link.send("alive")
        await link.recv()
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(link.recv(), PATIENCE_SECONDS)
    assert link.close_code == 1001
    await asyncio.wait_for(service.open[-1].wait_closed(), PATIENCE_SECONDS)
    assert service.open[-1].close_code == 1001
    assert await gate.metric("gateway_websockets_ended_total", route="/short-socket", by="idle") == 1


async def _swaps(link: ClientConnection) -> bool:
    await link.send("still")
    return await link.recv() == "still"


async def test_trap_11_a_reload_cuts_none_and_a_drain_lets_it_go_on(start: Start):
    process = await start()
    link = await opening(process, "/socket/echo")
    process.signal(signal.SIGHUP)
    await process.logged(event="routes_reloaded")
    assert await _swaps(link)
    process.signal(signal.SIGTERM)
    await process.logged(event="draining")
    async with asyncio.timeout(60):
        while True:
            try:
                await ask(process.port, "GET", "/health/live")
            except OSError:
                break
            await asyncio.sleep(0.02)
    assert await _swaps(link)
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(link.recv(), PATIENCE_SECONDS)
    assert link.close_code == 1001
    assert await asyncio.to_thread(process.wait) == 0


# The handshake, byte by byte


async def switching(call: Call) -> None:
    await call.send(
        f"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        f"sec-websocket-accept: {ACCEPT}\r\n\r\nfirst".encode()
    )
    with contextlib.suppress(ConnectionError):
        while data := await call.reader.read(65536):
            await call.send(data.upper())
    call.writer.close()


async def test_what_either_side_sends_right_behind_its_head_is_not_lost(gate: GatewayProcess, upstream: RawUpstream):
    upstream.manner = switching
    wire = await Wire.open(gate.port)
    await wire.send(request("GET", "/raw-socket", HANDSHAKE) + b"GET /plain HTTP/1.1\r\nhost: a\r\n\r\n")
    received = b""
    async with asyncio.timeout(60):
        while not received.endswith(b"HOST: A\r\n\r\n"):
            received += await wire.reader.read(65536)
    assert received.startswith(b"HTTP/1.1 101 ")
    assert b"\r\n\r\nfirst" in received
    # What looks like a request behind a handshake that was taken is bytes of the tunnel.
    assert [seen.target for seen in upstream.seen] == ["/raw-socket"]
    wire.close()


async def test_a_handshake_that_is_declined_leaves_http(gate: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gate.port)
    await wire.send(request("GET", "/raw-socket", HANDSHAKE) + request("GET", "/plain?next"))
    assert [(await wire.answer()).status for _ in range(2)] == [200, 200]
    assert [seen.target for seen in upstream.seen] == ["/raw-socket", "/plain?next"]


@pytest.mark.parametrize(
    "lines",
    [
        "connection: upgrade\r\nupgrade: websocket\r\n",
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
        f"connection: upgrade\r\nupgrade: h2c\r\nsec-websocket-accept: {ACCEPT}\r\n",
        f"sec-websocket-accept: {ACCEPT}\r\n",
    ],
    ids=["no accept", "another's accept", "another protocol", "no upgrade"],
)
async def test_a_101_that_is_no_answer_to_the_handshake_is_502(gate: GatewayProcess, upstream: RawUpstream, lines: str):
    async def switches(call: Call) -> None:
        await call.send(f"HTTP/1.1 101 X\r\n{lines}\r\n".encode())
        await call.hung_up()

    upstream.manner = switches
    answer = await ask(gate.port, "GET", "/raw-socket", HANDSHAKE)
    assert (answer.status, answer.code) == (502, "bad_gateway")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"sec-websocket-version": "8"}, 426),
        ({"sec-websocket-key": "short"}, 400),
        ({"sec-websocket-key": "!!!!"}, 400),
    ],
)
async def test_a_wrong_handshake_is_refused(
    gate: GatewayProcess, upstream: RawUpstream, changed: dict[str, str], status: int
):
    answer = await ask(gate.port, "GET", "/raw-socket", {**HANDSHAKE, **changed})
    assert answer.status == status
    assert status != 426 or answer["sec-websocket-version"] == "13"
    assert upstream.seen == []


@pytest.mark.parametrize(
    ("method", "target", "changed"),
    [
        ("GET", "/plain", {}),
        ("POST", "/plain", {}),
        ("GET", "/raw-socket", {"upgrade": "h2c", "http2-settings": "AAA"}),
        ("GET", "/raw-socket", {"connection": "keep-alive"}),
    ],
    ids=["a route without", "POST", "h2c", "no Connection"],
)
async def test_trap_9_no_other_upgrade(
    gate: GatewayProcess, upstream: RawUpstream, method: str, target: str, changed: dict[str, str]
):
    answer = await ask(gate.port, method, target, {**HANDSHAKE, **changed})
    assert answer.status == 200
    assert upstream.seen[0].get("upgrade") is None
    assert upstream.seen[0].get("connection") is None
