"""One gigabyte up and one down: megabytes a second, and the candidate's memory meanwhile."""

import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from benchmarks.gateway import bulk, machine
from benchmarks.gateway.candidates import CANDIDATES
from benchmarks.gateway.candidates.candidate import Setting
from benchmarks.gateway.figures import paired_ratio
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import Server, free_port

_NAMES = ("bare", "nginx")
_SAMPLE_SECONDS = 0.05
_PIECE = 1_000_000


class BrokenError(Exception):
    """A body did not arrive whole."""


@dataclass(slots=True)
class Moved:
    """One transfer: bytes a second, and resident bytes before and at most."""

    per_second: float
    before: int
    most: int


def transfer(ground: Ground, rounds: int) -> dict[str, Any]:
    """For the results; the client and the upstream share the load's core, as always."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.gateway.bulk", str(port)]
    moved: dict[str, dict[str, list[Moved]]] = {name: {"download": [], "upload": []} for name in _NAMES}
    with Server(command, port, [ground.back], ground.folder / "bulk.out"):
        there = replace(ground, upstream=port)
        for number in range(1, rounds + 1):
            print(f"1 GB down and up, round {number} of {rounds}", flush=True)
            for name in _NAMES:
                with CANDIDATES[name].start(Setting(there, ground.folder / f"{name}-transfer")) as server:
                    for kind, move in (("download", _download), ("upload", _upload)):
                        run = _watched(server, move)
                        moved[name][kind].append(run)
                        print(
                            f"  {name:<8}{kind:<10}{run.per_second / 1e6:>8.0f} MB/s, memory {run.before / 1e6:.0f} MB "
                            f"before, {run.most / 1e6:.0f} MB at most",
                            flush=True,
                        )
    found: dict[str, Any] = {"bytes": bulk.SIZE}
    for name, kinds in moved.items():
        for kind, runs in kinds.items():
            found.setdefault(name, {})[kind] = {
                "mb_per_second": round(median(run.per_second for run in runs) / 1e6, 1),
                "memory_before_mb": round(median(run.before for run in runs) / 1e6, 1),
                "memory_at_most_mb": round(max(run.most for run in runs) / 1e6, 1),
            }
    for kind in ("download", "upload"):
        pair = [[run.per_second for run in moved[name][kind]] for name in _NAMES]
        found[f"{kind}_vs_nginx"] = round(paired_ratio(*pair)[0], 3)
    return found


def _watched(server: Server, move: Callable[[int], int]) -> Moved:
    before = most = machine.resident(server.pid)
    over = threading.Event()

    def sample() -> None:
        nonlocal most
        while not over.wait(_SAMPLE_SECONDS):
            most = max(most, machine.resident(server.pid))

    watcher = threading.Thread(target=sample)
    watcher.start()
    began = time.monotonic()
    try:
        moved = move(server.port)
    finally:
        took = time.monotonic() - began
        over.set()
        watcher.join()
    if moved != bulk.SIZE:
        raise BrokenError(f"{moved} of {bulk.SIZE} bytes arrived")
    return Moved(moved / took, before, most)


def _download(port: int) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
        link.sendall(b"GET /api/v1/large HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        first, headers, rest = bulk.head(link)
        if " 200 " not in first or int(headers.get("content-length", "0")) != bulk.SIZE:
            raise BrokenError(f"{first} {headers}")
        return len(rest) + bulk.receive(link, bulk.SIZE - len(rest))


def _upload(port: int) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
        link.sendall(b"PUT /api/v1/upload HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n" % bulk.SIZE)
        piece = bytes(_PIECE)
        for _ in range(bulk.SIZE // _PIECE):
            link.sendall(piece)
        first, headers, rest = bulk.head(link)
        length = int(headers.get("content-length", "0"))
        while len(rest) < length and (more := link.recv(4096)):
            rest += more
        if " 200 " not in first:
            raise BrokenError(f"{first} {rest[:200]!r}")
        return int(rest.rpartition(b":")[2].rstrip(b"}"))
