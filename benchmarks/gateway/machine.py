"""What the kernel says about processes and cores (proc(5))."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of CPU time so far."""

    user: float
    system: float

    @property
    def total(self) -> float:
        """Both."""
        return self.user + self.system

    def since(self, before: "Usage") -> "Usage":
        """What was used from ``before`` until this."""
        return Usage(self.user - before.user, self.system - before.system)


def _fields(pid: int) -> list[str] | None:
    try:
        # The name, in parentheses, may hold anything.
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def tree(pid: int) -> list[int]:
    """The process and all that it started."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def usage(pid: int) -> Usage:
    """CPU time of the process and all that it started, to the kernel's tick (10 ms)."""
    user = system = 0
    for each in tree(pid):
        if fields := _fields(each):
            user += int(fields[11])
            system += int(fields[12])
    return Usage(user / _TICK, system / _TICK)


def resident(pid: int) -> int:
    """Bytes in memory of the process and all that it started (shared pages counted in each)."""
    return sum(int(fields[21]) * _PAGE for each in tree(pid) if (fields := _fields(each)))


def open_files(pid: int) -> int:
    """Open file descriptors of the process and all that it started."""
    return sum(len(list((_PROC / str(each) / "fd").iterdir())) for each in tree(pid))


def busy(core: int) -> float:
    """Seconds that a core was not idle since the machine started."""
    for line in (_PROC / "stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _wait, hard, soft, steal, *_ = map(int, ticks)
            return (user + nice + system + hard + soft + steal) / _TICK
    raise ValueError(f"no core {core}")


def describe() -> dict[str, str | int]:
    """The machine, for the reader of the figures."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in (_PROC / "cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor() or platform.machine(),
    )
    memory = int((_PROC / "meminfo").read_text().split()[1]) // 1024
    return {
        "cpu": model,
        "cores": os.cpu_count() or 1,
        "memory_mb": memory,
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
