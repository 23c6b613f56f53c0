"""TLS towards services, the issuer and Redis, by an authority of the test's own (CA_FILE)."""

import asyncio
import contextlib
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.certificates import Authority
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import PATIENCE_SECONDS

LARGE = 8_000_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@contextlib.asynccontextmanager
async def terminated(port: int, tls: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS for the plain one: our valkey is built without."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    yield server.sockets[0].getsockname()[1]
    server.close()


@contextlib.asynccontextmanager
async def running(upstream: RawUpstream, valkey_port: int, **environment: str):
    process = GatewayProcess(upstream.port, valkey_port, **environment)
    await asyncio.to_thread(process.start)
    try:
        yield process
    finally:
        await asyncio.to_thread(process.stop)


@pytest.fixture(scope="module")
async def secure(authority: Authority, issuer: Issuer) -> AsyncIterator[RawUpstream]:
    server = RawUpstream(issuer)
    await server.start(authority.server("localhost"))
    yield server
    await server.stop()


@pytest.fixture(scope="module")
async def behind_tls(authority: Authority, secure: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    valkey.command("ACL", "SETUSER", "limits", "on", ">s3cret/+@", "~*", "+@all")
    async with terminated(valkey.port, authority.server("localhost", "127.0.0.1")) as port:
        environment = {
            "MAIN_URL": f"https://localhost:{secure.port}",
            "JWKS_URL": f"https://localhost:{secure.port}/jwks.json",
            "REDIS_URL": f"rediss://limits:s3cret%2F%2B%40@localhost:{port}/0",
            "CA_FILE": str(authority.ca_file),
        }
        async with running(secure, valkey.port, **environment) as process:
            await process.ready()
            yield process


async def test_requests_and_bodies_pass_both_ways(behind_tls: GatewayProcess, secure: RawUpstream):
    secure.reset()
    port = behind_tls.port
    for _ in range(3):
        assert (await ask(port, "GET", "/api/v1/things")).json()["target"] == "/api/v1/things"
    connections = secure.connections
    assert (await ask(port, "GET", "/api/v1/things")).status == 200
    assert secure.connections == connections, "kept alive"
    sent = await ask(port, "POST", "/api/v1/upload", body=b"x" * LARGE)
    assert sent.json()["size"] == LARGE

    async def large(call: Call) -> None:
        await call.answer(200, b"y" * LARGE)

    secure.manner = large
    assert (await ask(port, "GET", "/api/v1/things")).body == b"y" * LARGE


async def test_keys_health_document_and_limits_come_over_tls(
    behind_tls: GatewayProcess, secure: RawUpstream, issuer: Issuer, valkey: Valkey
):
    secure.reset()
    user = {"authorization": f"Bearer {issuer.token('tls')}"}
    answer = await ask(behind_tls.port, "GET", "/api/v1/limited", user)
    assert (answer.status, answer["x-ratelimit-remaining"]) == (200, "2")
    assert b"tls" in valkey.command("KEYS", "*user:tls*")
    checks = (await ask(behind_tls.port, "GET", "/health/ready")).json()["checks"]
    assert (checks["redis"], checks["main"]) == ("healthy", "healthy")
    assert "/api/v1/things" in (await ask(behind_tls.port, "GET", "/openapi.json")).json()["paths"]


async def test_a_kept_connection_that_died_is_no_error(behind_tls: GatewayProcess, secure: RawUpstream):
    """TRAPS, forwarding 1, over TLS: the close is known by its alert or by the lost connection."""
    secure.reset()

    async def once(call: Call) -> None:
        if call.nth > 1:
            call.writer.transport.abort()
            return
        await call.answer(200, b"first")

    secure.manner = once
    wire = await Wire.open(behind_tls.port)
    for _ in range(6):
        await wire.send(request("GET", "/api/v1/things"))
        assert (await wire.answer()).body == b"first"
    wire.close()


async def test_an_answer_cut_off_is_seen_as_such(behind_tls: GatewayProcess, secure: RawUpstream):
    secure.reset()

    async def cut(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort")
        call.writer.transport.abort()

    secure.manner = cut
    with pytest.raises(ConnectionError):
        await ask(behind_tls.port, "GET", "/api/v1/things")


@pytest.mark.parametrize("fault", ["unknown authority", "another name"])
async def test_a_service_that_cannot_prove_its_name_gets_no_request(
    authority: Authority, tmp_path: Path, valkey: Valkey, issuer: Issuer, fault: str
):
    maker = Authority(tmp_path) if fault == "unknown authority" else authority
    service = RawUpstream(issuer)
    name = "other.test" if fault == "another name" else "localhost"
    await service.start(maker.server(name))
    keys = RawUpstream(issuer)
    await keys.start()
    environment = {"MAIN_URL": f"https://localhost:{service.port}", "CA_FILE": str(authority.ca_file)}
    try:
        async with running(keys, valkey.port, **environment) as gateway:
            await gateway.ready()
            answer = await ask(gateway.port, "GET", "/api/v1/things", {"authorization": f"Bearer {issuer.token()}"})
            assert (answer.status, answer.code) == (502, "bad_gateway")
            assert not service.seen
            assert b"localhost" not in answer.body
            await gateway.logged(event="upstream_connect_failed", upstream="main")
    finally:
        await service.stop()
        await keys.stop()


def test_a_ca_file_that_holds_nothing_stops_the_start(tmp_path: Path):
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        bad = subprocess.run(
            [sys.executable, "-m", "gateway", "run"],
            env={**os.environ, "CA_FILE": str(tmp_path / name)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert bad.returncode == 1
        assert "CA_FILE: Value error" in bad.stderr
