"""The two processes as they are really started, and how they stop."""

import asyncio
import os
import signal
import sys

import httpx
import pytest

from reports.settings import ReportsSettings
from shared.testing.ports import handed_socket
from shared.testing.tokens import Signer
from shared.testing.waiting import PATIENCE_SECONDS, eventually


@pytest.mark.usefixtures("quiet_api")
@pytest.mark.parametrize("module", ["reports.main", "reports.worker"])
async def test_it_starts_gets_ready_and_stops_when_told(
    module: str, environment: dict[str, str], quiet_settings: ReportsSettings, signer: Signer
):
    own = {
        **environment,
        "DATABASE_URL": quiet_settings.postgres.url.get_secret_value(),
        "DATABASE_OWNER_URL": "",
        "AMQP_URL": quiet_settings.rabbit.url.get_secret_value(),
    }
    with handed_socket() as handed:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            env={**os.environ, **own, **handed.environment},
            stdout=asyncio.subprocess.PIPE,
            pass_fds=handed.pass_fds,
        )
    try:
        async with httpx.AsyncClient(base_url=handed.url, timeout=PATIENCE_SECONDS, trust_env=False) as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/health/ready")).status_code == 200
                except httpx.TransportError:
                    assert process.returncode is None
                    return False

            await eventually(ready)
            assert "http_server_requests_total" in (await client.get("/metrics")).text
            if module == "reports.main":
                # JWKS_URL leads nowhere here: nothing can be said of a token.
                refused = await client.get("/api/v1/reports", headers=signer.headers(1))
                assert (refused.status_code, refused.json()["code"]) == (503, "identity_unavailable")
        process.send_signal(signal.SIGTERM)
        logged, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
        # Uvicorn raises the signal again once all is closed, so that the parent sees why it ended.
        assert process.returncode == -signal.SIGTERM
        assert b"Application shutdown complete" in logged
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
