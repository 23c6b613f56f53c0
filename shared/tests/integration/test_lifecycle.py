"""A process told to stop finishes what is in hand; one that waits for Postgres stops at once."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from shared.testing.plugin import SettingsMaker

PROGRAM = """
import asyncio
from fastapi import APIRouter
from shared.settings import ServiceSettings
from shared.web import create_app, serve
router = APIRouter()
@router.get("/slow")
async def slow() -> str:
    await asyncio.sleep(1)
    return "finished"
settings = ServiceSettings()
serve(create_app("stopping", settings, version="1", migrations=[], routers=[router]), settings.http)
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@asynccontextmanager
async def process(environment: dict[str, str]) -> AsyncIterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time, and nothing else runs
        [sys.executable, "-c", PROGRAM], env={**os.environ, **environment}
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def test_sigterm_not_ready_then_no_more_then_drained(service_environment: SettingsMaker):
    port = free_port()
    environment = {**await service_environment("stopping"), "HTTP_PORT": str(port), "HTTP_NOT_READY_SECONDS": "0.5"}
    async with process(environment) as child, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        async with asyncio.timeout(20):
            while True:
                try:
                    if (await client.get("/health/ready")).status_code == 200:
                        break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
        in_hand = asyncio.create_task(client.get("/slow"))
        await asyncio.sleep(0.1)
        child.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.1)
        draining = await client.get("/health/ready")
        assert (draining.status_code, draining.json()["status"]) == (503, "draining")
        assert (await in_hand).json() == "finished"
        assert await asyncio.to_thread(child.wait, 10) in (0, -signal.SIGTERM)


async def test_sigterm_while_postgres_is_away_stops_at_once(service_environment: SettingsMaker):
    away = f"postgresql://nobody:x@127.0.0.1:{free_port()}/none"
    async with process({**await service_environment("stopping"), "DATABASE_URL": away}) as child:
        await asyncio.sleep(2.5)
        assert child.poll() is None, "it waits for Postgres instead of dying"
        asked = time.monotonic()
        child.send_signal(signal.SIGTERM)
        await asyncio.to_thread(child.wait, 10)
        assert time.monotonic() - asked < 3
