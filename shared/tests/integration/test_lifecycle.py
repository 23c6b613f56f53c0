"""A process told to stop finishes what is in hand; one that waits for Postgres stops at once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from shared.testing.plugin import SettingsMaker
from shared.testing.ports import free_port
from shared.testing.waiting import eventually

PROGRAM = """
import asyncio
from fastapi import APIRouter
from shared.settings import ServiceSettings
from shared.web import create_app, serve
router = APIRouter()
@router.get("/slow")
async def slow() -> str:
    print("slow begins", flush=True)
    await asyncio.sleep(1)
    return "finished"
settings = ServiceSettings()
serve(create_app("stopping", settings, version="1", migrations=[], routers=[router]), settings.http)
"""


@asynccontextmanager
async def process(environment: dict[str, str], log: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time, and nothing else runs
            [sys.executable, "-c", PROGRAM], env={**os.environ, **environment}, stdout=output, stderr=output
        )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def test_sigterm_not_ready_then_no_more_then_drained(service_environment: SettingsMaker, tmp_path: Path):
    port = free_port()
    environment = {**await service_environment("stopping"), "HTTP_PORT": str(port), "HTTP_NOT_READY_SECONDS": "3"}
    log = tmp_path / "log"
    async with process(environment, log) as child, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def state() -> tuple[int, str]:
            try:
                answer = await client.get("/health/ready")
            except httpx.ConnectError:
                return 0, "not listening"
            return answer.status_code, answer.json()["status"]

        await eventually(state, (200, "ready"), seconds=30)
        in_hand = asyncio.create_task(client.get("/slow"))
        await eventually(lambda: "slow begins" in log.read_text())
        child.send_signal(signal.SIGTERM)
        await eventually(state, (503, "draining"))
        assert (await in_hand).json() == "finished"
        assert await asyncio.to_thread(child.wait, 10) in (0, -signal.SIGTERM)


async def test_sigterm_while_postgres_is_away_stops_at_once(service_environment: SettingsMaker, tmp_path: Path):
    away = f"postgresql://nobody:x@127.0.0.1:{free_port()}/none"
    log = tmp_path / "log"
    async with process({**await service_environment("stopping"), "DATABASE_URL": away}, log) as child:
        await eventually(lambda: "stamina.retry_scheduled" in log.read_text(), seconds=30)
        assert child.poll() is None, "it waits for Postgres instead of dying"
        child.send_signal(signal.SIGTERM)
        await asyncio.to_thread(child.wait, 10)
