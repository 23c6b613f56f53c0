"""What is left of a service at five times what it can do: how much it still does, and how soon.

    python -m benchmarks.overload [--seconds 20]

A service that takes 20 requests at a time for 50 ms each (400 a second), behind the gateway with its adaptive limit
and, in the same run, without. Each is asked calmly (half its capacity), at its peak (as many at a time as it takes),
and at five times its capacity, whatever the answers do; a request is timed from when it was due. What counts at
overload begins after a few seconds, in which the limit is found.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.gateway.figures import percentile
from benchmarks.gateway.machine import describe
from benchmarks.gateway.server import Server, free_port

_RESULTS = Path(__file__).parent / "results" / "overload.json"
_PLACES, _SERVICE_SECONDS = 20, 0.05
_CAPACITY = _PLACES / _SERVICE_SECONDS
_OVERLOAD = 5
_SETTLING = 5.0
# A client waits no longer: what comes later helps nobody and is no goodput.
_PATIENCE = 1.0
_ROUTES = """
[upstreams.service]
url = "http://127.0.0.1:{port}"
max_connections = 2048
wait = "10s"
{concurrency}
[[routes]]
path = "/work"
methods = ["GET"]
upstream = "service"
identity = "ignored"
limits = []
"""


@dataclass
class Load:
    """Asks over kept-alive connections; ``good`` are seconds of the answers 200 that came in time."""

    port: int
    good: list[float] = field(default_factory=list[float])
    refused: int = 0
    late: int = 0
    _free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list[Any])

    async def ask(self, due: float) -> None:
        """One request, timed from ``due``."""
        reader, writer = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /work HTTP/1.1\r\nhost: service\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        self._free.append((reader, writer))
        seconds = time.perf_counter() - due
        if not head.startswith(b"HTTP/1.1 200"):
            self.refused += 1
        elif seconds > _PATIENCE:
            self.late += 1
        else:
            self.good.append(seconds)

    async def at_rate(self, rate: float, seconds: float) -> None:
        """So many a second, whatever the answers do; then wait for what is out."""
        began, sent, out = time.perf_counter(), 0, set[asyncio.Task[None]]()
        while (now := time.perf_counter()) < began + seconds:
            while (due := began + sent / rate) <= now:
                task = asyncio.create_task(self.ask(due))
                out.add(task)
                task.add_done_callback(out.discard)
                sent += 1
            await asyncio.sleep(0.002)
        await asyncio.gather(*out)

    async def at_a_time(self, number: int, seconds: float) -> None:
        """So many always under way."""
        ends = time.perf_counter() + seconds

        async def caller() -> None:
            while (now := time.perf_counter()) < ends:
                await self.ask(now)

        await asyncio.gather(*(caller() for _ in range(number)))

    def close(self) -> None:
        """The connections."""
        for _, writer in self._free:
            writer.close()

    def figures(self, seconds: float) -> dict[str, float]:
        """Of a run of so long."""
        milliseconds = [each * 1000 for each in self.good] or [float("inf")]
        return {
            "goodput": round(len(self.good) / seconds, 1),
            "p50_ms": round(percentile(milliseconds, 0.5), 1),
            "p99_ms": round(percentile(milliseconds, 0.99), 1),
            "refused": self.refused,
            "late": self.late,
        }


async def _measured(port: int, seconds: float) -> dict[str, Any]:
    calm, peak, settling, overload = (Load(port) for _ in range(4))
    await calm.at_rate(_CAPACITY / 2, seconds / 2)
    calm.close()
    await peak.at_a_time(_PLACES, seconds / 2)
    peak.close()
    await settling.at_rate(_OVERLOAD * _CAPACITY, _SETTLING)
    overload._free = settling._free  # noqa: SLF001 - its own kind: the same clients go on
    await overload.at_rate(_OVERLOAD * _CAPACITY, seconds)
    overload.close()
    found = {
        "calm": calm.figures(seconds / 2),
        "peak": peak.figures(seconds / 2),
        "overload": overload.figures(seconds),
    }
    return {
        **found,
        "goodput_vs_peak": round(found["overload"]["goodput"] / found["peak"]["goodput"], 3),
        "p99_vs_calm": round(found["overload"]["p99_ms"] / found["calm"]["p99_ms"], 2),
    }


def measure(seconds: float, concurrency: str, folder: Path) -> dict[str, Any]:
    """The service and the gateway with that line in its routes file, and the three loads."""
    service, port = free_port(), free_port()
    routes = folder / "routes.toml"
    routes.write_text(_ROUTES.format(port=service, concurrency=concurrency))
    environment = {
        "ENVIRONMENT": "test",  # the real limits, on a bare Redis
        "HTTP_PORT": str(port),
        "GATEWAY_ROUTES": str(routes),
        "CLIENT_SHARE": "1",
        "TRACES_SAMPLE_RATIO": "0",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "JWKS_URL": f"http://127.0.0.1:{service}/",
    }
    command = [sys.executable, "-m", "benchmarks.overload_service", str(service), str(_PLACES), str(_SERVICE_SECONDS)]
    gateway = [sys.executable, "-m", "gateway", "run"]
    with (
        Server(command, service, [0], folder / "service.log"),
        Server(gateway, port, [1], folder / "gateway.log", environment),
    ):
        return uvloop.run(_measured(port, seconds))


def main() -> int:
    """0 when what is promised held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        with_limit = measure(seconds, "concurrency = {}", Path(folder))
        without = measure(seconds, "", Path(folder))
    held = with_limit["goodput_vs_peak"] >= 0.9 and with_limit["p99_vs_calm"] <= 2  # noqa: PLR2004 - the promise
    _RESULTS.parent.mkdir(parents=True, exist_ok=True)
    results = {"with_limit": with_limit, "without": without, "machine": describe(), "promise_held": held}
    _RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
