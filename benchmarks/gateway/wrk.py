"""Runs wrk on the load's core and says what it saw and what the candidate used meanwhile."""

import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.gateway import machine
from benchmarks.gateway.candidates.candidate import Candidate
from benchmarks.gateway.figures import Load, read_report
from benchmarks.gateway.ground import Ground

_REPORT = Path(__file__).parent / "report.lua"
_MIXED = Path(__file__).parent / "mixed.lua"
_GRACE = 30.0


class Target(Protocol):
    """What is loaded: a port, and the process whose CPU time counts."""

    @property
    def port(self) -> int:
        """On loopback."""
        ...

    @property
    def pid(self) -> int:
        """Its children count too."""
        ...


@dataclass(frozen=True, slots=True)
class Upstream:
    """The upstream itself as a target, for its own ceiling."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run: ``cpu_us`` of the candidate a request, and how busy it and the load's core were (0..1)."""

    load: Load
    cpu_us: float
    system_part: float
    busy: float
    back_busy: float
    upstream_requests: int

    def as_dict(self) -> dict[str, float | int]:
        """For the results file."""
        return {
            "requests_per_second": round(self.load.per_second, 1),
            **{name: value for name, value in asdict(self.load).items() if name != "seconds"},
            "cpu_us_per_request": round(self.cpu_us, 2),
            "system_part_of_cpu": round(self.system_part, 3),
            "candidate_busy": round(self.busy, 3),
            "load_core_busy": round(self.back_busy, 3),
        }


def headers(ground: Ground, candidate: Candidate) -> dict[str, str]:
    """What every request of the candidate's runs carries."""
    sent: dict[str, str] = {}
    if candidate.token:
        sent["Authorization"] = f"Bearer {ground.issuer.token(candidate.token)}"
    if candidate.condition:
        sent["If-None-Match"] = candidate.condition
    return sent


def load(
    ground: Ground, candidate: Candidate, server: Target, connections: int, seconds: float, *, mixed: bool = False
) -> Run:
    """Load it for ``seconds`` (whole ones); all requests alike, or of many users on many paths where ``mixed``."""
    command = [
        *ground.tools.command("wrk"),
        "-t1",
        f"-c{connections}",
        f"-d{round(seconds)}s",
        "--latency",
        "--timeout",
        "30s",
    ]
    arguments: list[str] = []
    if mixed:
        command += ["-s", str(_MIXED)]
        arguments = ["--", str(_tokens_file(ground, candidate))]
    else:
        command += ["-s", str(_REPORT)]
        for name, value in headers(ground, candidate).items():
            command += ["-H", f"{name}: {value}"]
    command += [f"http://127.0.0.1:{server.port}{candidate.path}", *arguments]
    seen, used, busy, began = ground.upstream_requests(), machine.usage(server.pid), machine.busy(ground.back), _now()
    ended = subprocess.run(
        ["taskset", "-c", str(ground.back), *command],
        capture_output=True,
        text=True,
        timeout=seconds + _GRACE,
        check=True,
    )
    took, busy = _now() - began, machine.busy(ground.back) - busy
    used = machine.usage(server.pid).since(used)
    report = read_report(ended.stdout + ended.stderr)
    requests = max(1, report.requests)
    return Run(
        load=report,
        cpu_us=used.total / requests * 1e6,
        system_part=used.system / used.total if used.total else 0.0,
        busy=used.total / took,
        back_busy=busy / took,
        upstream_requests=ground.upstream_requests() - seen - 1,
    )


def _now() -> float:
    return time.monotonic()


def _tokens_file(ground: Ground, candidate: Candidate) -> Path:
    written = ground.folder / f"tokens-{candidate.token}.txt"
    if not written.exists():
        tokens = [ground.issuer.token(candidate.token or "RS256", subject=str(n)) for n in range(1, 201)]
        written.write_text("\n".join(tokens) + "\n")
    return written
