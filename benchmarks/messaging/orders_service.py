"""The orders service as it is deployed: ``python -m orders.main``, one process, whose tokens a key of the run signs."""

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from benchmarks.messaging.ground import Ground
from shared.testing.servers import fresh_redis
from shared.testing.serving import running
from shared.testing.tokens import AUDIENCE, ISSUER, Signer


@dataclass(frozen=True, slots=True)
class OrdersService:
    """A service that is ready; ``token`` is one that it takes."""

    port: int
    pid: int
    token: str


@asynccontextmanager
async def orders_service(ground: Ground, user_id: int, connections: int) -> AsyncIterator[OrdersService]:
    """Runs it on the ground's database, with a pool of as many connections. Its log is thrown away."""
    signer = Signer()
    issuer = FastAPI()

    @issuer.get("/jwks.json")
    async def jwks() -> dict[str, Any]:
        return {"keys": [signer.jwk]}

    with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.close()
        async with running(issuer) as keys, fresh_redis(ground.servers) as redis_url:
            own = {
                "ENVIRONMENT": "test",
                "HTTP_PORT": str(port),
                "DATABASE_URL": ground.database.url,
                "DATABASE_MIN_CONNECTIONS": str(connections),
                "DATABASE_MAX_CONNECTIONS": str(connections),
                "REDIS_URL": redis_url,
                "AMQP_URL": ground.amqp_url,
                "TOKEN_ISSUER": ISSUER,
                "TOKEN_AUDIENCE": AUDIENCE,
                "JWKS_URL": f"{keys.base_url}/jwks.json",
                "ORDERS_DIR": directory,
            }
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "orders.main", env={**os.environ, **own}, stdout=asyncio.subprocess.DEVNULL
            )
            try:
                await _until_ready(port, process)
                yield OrdersService(port, process.pid, signer.token(user_id))
            finally:
                if process.returncode is None:
                    process.terminate()
                await asyncio.wait_for(process.wait(), 30)


async def _until_ready(port: int, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(120):
        while process.returncode is None:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200:  # noqa: PLR2004 - OK
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise RuntimeError(f"the orders service ended with {process.returncode}")
