"""A process told to stop finishes what is in hand; one that waits for Postgres stops at once."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from shared.testing.plugin import SettingsMaker
from shared.testing.waiting import PATIENCE_SECONDS, eventually

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
    own = {"HTTP_PORT": "0", "HTTP_NOT_READY_SECONDS": f"{PATIENCE_SECONDS}"}
    environment = {**await service_environment("stopping"), **own}
    log = tmp_path / "log"
    async with process(environment, log) as child:
        said = await eventually(lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text()))
        client = httpx.AsyncClient(base_url=said[0], timeout=PATIENCE_SECONDS)

        async def state() -> tuple[int, str]:
            try:
                answer = await client.get("/health/ready")
            except httpx.ConnectError:
                return 0, "not listening"
            return answer.status_code, answer.json()["status"]

        await eventually(state, (200, "ready"))
        in_hand = asyncio.create_task(client.get("/slow"))
        await eventually(lambda: "slow begins" in log.read_text())
        child.send_signal(signal.SIGTERM)
        await eventually(state, (503, "draining"))
        # Seen by whoever was to see it, at whatever speed: a second signal ends the wait for them.
        child.send_signal(signal.SIGTERM)
        assert (await in_hand).json() == "finished"
        await client.aclose()
        assert await asyncio.to_thread(child.wait, PATIENCE_SECONDS) in (0, -signal.SIGTERM)


async def test_sigterm_while_postgres_is_away_stops_at_once(service_environment: SettingsMaker, tmp_path: Path):
    log = tmp_path / "log"
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # so that nobody else listens there
        away = f"postgresql://nobody:x@127.0.0.1:{deaf.getsockname()[1]}/none"
        environment = {**await service_environment("stopping"), "DATABASE_URL": away}
        async with process(environment, log) as child:
            await eventually(lambda: "stamina.retry_scheduled" in log.read_text())
            assert child.poll() is None, "it waits for Postgres instead of dying"
            child.send_signal(signal.SIGTERM)
            await asyncio.to_thread(child.wait, PATIENCE_SECONDS)
