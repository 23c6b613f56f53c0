"""Where the gateway's time goes under the benchmark's load.

make profile-gateway CANDIDATE=policy          req/s, CPU a request, nginx beside it, the hottest functions
... MIXED=1                                    with many users on many paths
... PERF=1                                     the C and kernel side too (needs perf)
"""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from benchmarks.gateway import wrk
from benchmarks.gateway.candidates import CANDIDATES
from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import Server
from benchmarks.gateway.tools import MissingError

_CONNECTIONS = 64
_SHOWN = 30
_RATE = 500
_FRAME = re.compile(r"(?P<function>.+) \((?:.*/)?(?P<file>[^/]+):(?P<line>\d+)\)$")


def quick(ground: Ground, names: list[str], seconds: float, *, mixed: bool) -> None:
    """Prints a line a candidate: requests a second and CPU time a request."""
    print("candidate           req/s   CPU us  kernel   p50 ms   p99 ms  errors  load core")
    for name in names:
        candidate = CANDIDATES[name]
        with candidate.start(Setting(ground, ground.folder / name)) as server:
            wrk.load(ground, candidate, server, _CONNECTIONS, 1)
            run = wrk.load(ground, candidate, server, _CONNECTIONS, seconds, mixed=mixed and candidate.mixed)
        print(
            f"{name:<16}{run.load.per_second:>9.0f}{run.cpu_us:>9.1f}{run.system_part:>8.0%}{run.load.p50_ms:>9.2f}"
            f"{run.load.p99_ms:>9.2f}{run.load.errors:>8}{run.back_busy:>11.0%}"
        )


def profile(ground: Ground, candidate: Candidate, seconds: float, *, mixed: bool, perf: bool) -> None:
    """Prints the hottest functions by py-spy, and by perf where asked; the stacks stay as a file for speedscope."""
    folder = ground.folder / f"profile-{candidate.name}"
    with candidate.start(Setting(ground, folder)) as server:
        wrk.load(ground, candidate, server, _CONNECTIONS, 1)
        spied = _under_load(ground, candidate, server, _spy(ground, server, folder, seconds), seconds, mixed=mixed)
        print(f"  {spied.load.per_second:.0f} requests a second while watched, {spied.cpu_us:.1f} us of CPU each")
        if perf:
            _under_load(ground, candidate, server, _perf(ground, server, folder, seconds), seconds, mixed=mixed)
    _hottest(folder / "stacks.txt")
    if perf:
        _symbols(folder / "perf.data")


def _under_load(
    ground: Ground, candidate: Candidate, server: Server, watcher: list[str], seconds: float, *, mixed: bool
) -> wrk.Run:
    with subprocess.Popen(watcher, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as watching:
        run = wrk.load(ground, candidate, server, _CONNECTIONS, seconds + 1, mixed=mixed)
        _, said = watching.communicate(timeout=60)
        if watching.returncode:
            print(f"  {watcher[0]} failed: {said[-300:]}")
    return run


def _spy(ground: Ground, server: Server, folder: Path, seconds: float) -> list[str]:
    # It copies the stacks from outside; not stopping the process keeps the figures near those of a run.
    command = [*ground.tools.command("py-spy"), "record", "--nonblocking", "--rate", str(_RATE), "--duration"]
    command += [f"{seconds:.0f}", "--pid", str(server.pid), "--format", "raw", "--output", str(folder / "stacks.txt")]
    return ["taskset", "-c", str(ground.back), *command]


def _perf(ground: Ground, server: Server, folder: Path, seconds: float) -> list[str]:
    here = shutil.which("perf")
    if here is None:
        raise MissingError("perf is not in PATH (Debian: linux-perf)")
    command = [here, "record", "-F", "999", "-g", "-p", str(server.pid), "-o", str(folder / "perf.data")]
    return ["taskset", "-c", str(ground.back), *command, "--", "sleep", f"{seconds:g}"]


def _hottest(stacks: Path) -> None:
    lines: Counter[str] = Counter()
    itself: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in stacks.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [found for frame in stack.split(";") if (found := _FRAME.match(frame))]
        functions = [f"{found['file']}: {found['function']}" for found in frames]
        if frames:
            lines[f"{functions[-1]}, line {frames[-1]['line']}"] += int(count)
            itself[functions[-1]] += int(count)
            below.update(dict.fromkeys(functions, int(count)))
    whole = itself.total() or 1
    print(f"\n  {whole} samples in {stacks}")
    for title, counted in (("function", itself), ("function and what it calls", below), ("line", lines)):
        print(f"\n    part  {title}")
        for name, count in counted.most_common(_SHOWN):
            print(f"  {count / whole:>6.1%}  {name}")


def _symbols(data: Path) -> None:
    command = ["perf", "report", "-i", str(data), "--no-children", "--sort", "dso,symbol", "--stdio", "-g", "none"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("#")]
    print("\n  perf, all sides:")
    print("\n".join(f"  {line.strip()}" for line in lines[: _SHOWN * 2]))
