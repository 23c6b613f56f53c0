"""Behind the edge as it is deployed (deploy/edge/nginx.conf): HTTP/2 and TLS outside, and nothing of a request lost.

Run by the machine's nginx, asked by curl, which comes from an address of its own.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gateway_testing.certificates import Authority
from gateway_testing.process import GatewayProcess, Valkey, free_port
from gateway_testing.upstream import Call, RawUpstream
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from shared.testing.waiting import PATIENCE_SECONDS

CONFIGURATION = Path(__file__).parents[3] / "deploy" / "edge" / "nginx.conf"
CLIENT = "127.0.0.2"  # neither the edge's address nor the gateway's
PROGRAMS = all(map(shutil.which, ("nginx", "curl")))
pytestmark = pytest.mark.skipif(not PROGRAMS, reason="nginx and curl are needed: apt install nginx-light curl")


@dataclass
class Edge:
    port: int
    authority: Authority
    gateway: GatewayProcess

    def command(self, target: str, *options: str) -> list[str]:
        url = f"https://edge.test:{self.port}{target}"
        told = ["--resolve", f"edge.test:{self.port}:127.0.0.1", "--interface", CLIENT]
        return ["curl", "-sS", "--http2", "--cacert", str(self.authority.ca_file), *told, *options, url]

    async def ask(self, target: str, *options: str) -> tuple[str, int, bytes]:
        """HTTP version, status and body."""
        command = self.command(
            target, "--path-as-is", "-w", "\n%{http_version} %{http_code}", "-m", str(PATIENCE_SECONDS), *options
        )
        found = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, timeout=PATIENCE_SECONDS, check=True
        )
        body, _, told = found.stdout.rpartition(b"\n")
        version, status = told.decode().split()
        return version, int(status), body


def configured(folder: Path, port: int, gateway: int) -> Path:
    """The configuration as it is deployed, but for where things are."""
    text = CONFIGURATION.read_text()
    places = {
        "/tmp/": f"{folder}/",  # noqa: S108 - the container's; first, for our own folder may be below it
        "listen 8443": f"listen 127.0.0.1:{port}",
        "server gateway:8000": f"server 127.0.0.1:{gateway}",
        "/etc/edge/": f"{folder}/",
        "worker_processes auto": "worker_processes 1",
    }
    for there, here in places.items():
        assert there in text
        text = text.replace(there, here)
    file = folder / "nginx.conf"
    file.write_text(text)
    return file


@contextlib.contextmanager
def nginx(folder: Path, port: int, gateway: int) -> Iterator[None]:
    user = "user root;" if os.getuid() == 0 else ""
    command = ["nginx", "-p", str(folder), "-c", str(configured(folder, port, gateway)), "-g", f"daemon off; {user}"]
    process = subprocess.Popen(command)
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


async def echoes(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.fixture(scope="module")
async def edge(
    running_upstream: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Edge]:
    folder = tmp_path_factory.mktemp("edge")
    authority = Authority(folder)
    for made, name in zip(authority.issue("edge.test"), ("certificate.pem", "key.pem"), strict=True):
        made.rename(folder / name)
    async with serve(echoes, "127.0.0.1", 0) as service:
        gateway = GatewayProcess(
            running_upstream.port,
            valkey.port,
            GATEWAY_ROUTES=str(Path(__file__).parent / "edge.toml"),
            SOCKET_URL=f"http://127.0.0.1:{next(iter(service.sockets)).getsockname()[1]}",
            TRUSTED_PROXIES="127.0.0.1/32",
        )
        await asyncio.to_thread(gateway.start)
        try:
            await gateway.ready()
            port = free_port()
            with nginx(folder, port, gateway.port):
                yield Edge(port, authority, gateway)
        finally:
            await asyncio.to_thread(gateway.stop)


async def test_http2_and_tls_outside_and_the_client_is_who_it_is(edge: Edge, upstream: RawUpstream):
    lied = ("-H", "X-Forwarded-For: 6.6.6.6", "-H", "X-Forwarded-Proto: http", "-H", "X-Real-IP: 6.6.6.6")
    version, status, _ = await edge.ask("/things/1?a=%20b", "-D", "/dev/null", *lied)
    assert (version, status) == ("2", 200)
    seen = upstream.seen[0]
    assert seen.target == "/things/1?a=%20b"
    assert seen.get("x-forwarded-proto") == "https"
    assert seen.get("host") == f"edge.test:{edge.port}"
    assert seen.get("x-real-ip") is None
    assert (await edge.gateway.logged(path="/things/1"))["client"] == CLIENT
    _, status, _ = await edge.ask("/metrics")
    assert status == 200, "the client is on this machine, and the edge says so"


async def test_the_gateways_own_answers_come_through(edge: Edge):
    assert (await edge.ask("/things/%2e%2e/secret"))[1] == 400
    assert (await edge.ask("/things//1"))[1] == 400
    assert (await edge.ask("/things/" + "x" * 9000))[1] == 414
    big = [item for number in range(5) for item in ("-H", f"X-Big-{number}: {'y' * 8000}")]
    assert (await edge.ask("/things/1", *big))[1] == 431
    assert (await edge.ask("/nowhere"))[1] == 404


async def test_bodies_pass_unbuffered_up_to_the_routes_limit(edge: Edge, tmp_path: Path):
    body = tmp_path / "body"
    body.write_bytes(b"x" * 8_000_000)
    version, status, answer = await edge.ask("/things/1", "-X", "POST", "--data-binary", f"@{body}")
    assert (version, status) == ("2", 200)
    assert b'"size":8000000' in answer
    body.write_bytes(b"x" * 12_000_000)
    _, status, answer = await edge.ask("/things/1", "-X", "POST", "--data-binary", f"@{body}")
    assert (status, b"body_too_large" in answer) == (413, True)


async def test_an_event_arrives_when_it_is_sent(edge: Edge, upstream: RawUpstream):
    read, hung_up = asyncio.Event(), asyncio.Event()

    async def tells(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        await call.send(b"7\r\ndata: 1\r\n")
        await asyncio.wait_for(read.wait(), PATIENCE_SECONDS)  # nothing more until the client has the first
        await call.send(b"7\r\ndata: 2\r\n")
        if await call.hung_up():
            hung_up.set()

    upstream.manner = tells
    command = edge.command("/stream", "-N")
    client = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert client.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await client.stdout.readexactly(7) == b"data: 1"
        read.set()
        assert await client.stdout.readexactly(7) == b"data: 2"
        client.kill()
        await client.wait()
        await hung_up.wait()  # a client that hangs up reaches the service through both


async def test_websockets_pass(edge: Edge):
    trusting = ssl.create_default_context(cafile=edge.authority.ca_file)
    url = f"wss://edge.test:{edge.port}/socket"
    async with connect(url, ssl=trusting, host="127.0.0.1", port=edge.port, proxy=None) as client:
        for message in ("hello", "x" * 200_000):
            await client.send(message)
            assert await asyncio.wait_for(client.recv(), PATIENCE_SECONDS) == message
