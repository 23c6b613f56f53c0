"""A process that stops closes no connection under a request; on hold it serves its public socket when it is told."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from os import environ
from pathlib import Path

import pytest

from shared.testing.plugin import SettingsMaker
from shared.testing.waiting import PATIENCE_SECONDS, eventually

PROGRAM = """
from fastapi import APIRouter
from shared.settings import ServiceSettings
from shared.web import create_app, serve
router = APIRouter()
@router.get("/hello")
async def hello() -> str:
    print("hello was asked", flush=True)
    return "hello"
settings = ServiceSettings()
serve(create_app("closing", settings, version="1", migrations=[], routers=[router]), settings.http)
"""
ASKED = b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n"


class Handed:
    """A process with a public socket and one for probes."""

    def __init__(self, child: "subprocess.Popen[bytes]", public: int, probe: int, log: Path) -> None:
        self.child, self.public, self.probe, self.log = child, public, probe, log

    async def ready(self) -> bool:
        return b" 200 " in await answer_of(self.probe, "/health/ready")


async def answer_of(port: int, path: str) -> bytes:
    """The whole answer; empty when nobody listens."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return b""
    writer.write(f"GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


@asynccontextmanager
async def handed(environment: dict[str, str], log: Path, *, hold: bool) -> AsyncIterator[Handed]:
    with socket.socket() as public, socket.socket() as probe, log.open("wb") as output:
        public.bind(("127.0.0.1", 0))
        probe.bind(("127.0.0.1", 0))
        numbers = public.fileno(), probe.fileno()
        told = {"HTTP_FD": str(numbers[0]), "HTTP_PROBE_FD": str(numbers[1]), "HTTP_HOLD": str(hold)}
        child = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time, and nothing else runs
            [sys.executable, "-c", PROGRAM],
            env={**environ, **environment, **told},
            stdout=output,
            stderr=output,
            pass_fds=numbers,
        )
        ports = public.getsockname()[1], probe.getsockname()[1]
    try:
        process = Handed(child, *ports, log)
        await eventually(process.ready)
        yield process
    finally:
        child.kill()
        child.wait()


async def test_on_hold_only_the_probe_is_answered(service_environment: SettingsMaker, tmp_path: Path):
    async with handed(await service_environment("closing"), tmp_path / "log", hold=True) as process:
        assert await answer_of(process.public, "/hello") == b""
        process.child.send_signal(signal.SIGUSR1)

        async def open_now() -> bool:
            return b" 200 " in await answer_of(process.public, "/hello")

        await eventually(open_now)


async def test_what_just_connected_is_still_answered_and_what_is_idle_hears_a_408(
    service_environment: SettingsMaker, tmp_path: Path
):
    async with handed(await service_environment("closing"), tmp_path / "log", hold=False) as process:
        silent, silent_writer = await asyncio.open_connection("127.0.0.1", process.public)
        silent_writer.write(ASKED)
        head = await silent.readuntil(b"\r\n\r\n")
        assert b"connection: close" not in head
        await silent.readexactly(len(b'"hello"'))
        assert process.log.read_text().count("hello was asked") == 1
        process.child.send_signal(signal.SIGTERM)
        # Read to the 408, and only then: the process has closed neither direction of it for good.
        said = await asyncio.wait_for(silent.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in said
        silent_writer.write(ASKED)
        assert await asyncio.wait_for(silent.read(), PATIENCE_SECONDS) == b""
        silent_writer.close()
        assert await asyncio.to_thread(process.child.wait, PATIENCE_SECONDS) in (0, -signal.SIGTERM)
        assert process.log.read_text().count("hello was asked") == 1, "a request that crossed the 408 was taken"


@pytest.mark.parametrize("told", [{"HTTP_FD": "9999"}, {"HTTP_HOLD": "true"}], ids=["no socket", "nothing to hold"])
async def test_what_is_wrong_is_said(service_environment: SettingsMaker, told: dict[str, str]):
    environment = {**environ, **await service_environment("closing"), **told}
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert next(iter(told)).encode() in done.stderr
