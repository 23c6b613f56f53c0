"""Whether anything grows: memory and open files of the policy candidate under mixed traffic for a long while."""

import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.gateway import machine, wrk
from benchmarks.gateway.candidates import CANDIDATES
from benchmarks.gateway.candidates.candidate import Setting
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import Server

_SAMPLES = 60
_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Sample:
    """After so many seconds of load."""

    second: float
    memory_mb: float
    open_files: int


def soak(ground: Ground, seconds: float) -> dict[str, Any]:
    """For the results: the samples at the start (a tenth in, when all is warm), in the middle and at the end."""
    candidate, samples, over = CANDIDATES["policy"], list[Sample](), threading.Event()
    # Its log would fill the disk.
    setting = Setting(ground, ground.folder / "policy-soak", output=Path("/dev/null"))
    with candidate.start(setting) as server:
        watcher = threading.Thread(target=_watch, args=(server, samples, over, seconds / _SAMPLES))
        watcher.start()
        try:
            run = wrk.load(ground, candidate, server, _CONNECTIONS, seconds, mixed=True)
        finally:
            over.set()
            watcher.join()
    start, middle, end = samples[len(samples) // 10], samples[len(samples) // 2], samples[-1]
    found = {
        "seconds": seconds,
        "requests": run.load.requests,
        "errors": run.load.errors,
        "start": asdict(start),
        "middle": asdict(middle),
        "end": asdict(end),
        "memory_end_over_start": round(end.memory_mb / start.memory_mb, 3),
        "memory_end_over_middle": round(end.memory_mb / middle.memory_mb, 3),
    }
    print(f"  soak: {found}", flush=True)
    return found


def _watch(server: Server, samples: list[Sample], over: threading.Event, pause: float) -> None:
    began = time.monotonic()
    while not over.wait(pause):
        memory, files = machine.resident(server.pid) / 1e6, machine.open_files(server.pid)
        samples.append(Sample(round(time.monotonic() - began, 1), round(memory, 1), files))
