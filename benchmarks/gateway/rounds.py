"""The rounds: every candidate once a round, one after the other, so that a slow minute of the machine hits all."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.gateway import spans, wrk
from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.checks import CheckError, check
from benchmarks.gateway.figures import UnreadableReportError
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import Server, StartError
from benchmarks.gateway.tools import MissingError

# Name of a load: connections, and whether it is the mixed one.
LOADS = {"connections_64": (64, False), "connections_1": (1, False), "mixed_64": (64, True)}
_WARM_UP_SECONDS = 1.0
# Of the requests of a run: more errors, or fewer requests at the upstream, and it is not what it says it is.
_TOLERATED = 0.001
_TRIES = 3
_MEDIANS = (
    "requests_per_second",
    "p50_ms",
    "p99_ms",
    "cpu_us_per_request",
    "system_part_of_cpu",
    "candidate_busy",
    "load_core_busy",
)


@dataclass(slots=True)
class Rounds:
    """What was measured: by candidate and load, a run a round; and who was left out, with the reason."""

    versions: dict[str, str] = field(default_factory=dict[str, str])
    runs: dict[str, dict[str, list[wrk.Run]]] = field(default_factory=dict[str, dict[str, list[wrk.Run]]])
    spans: dict[str, float] = field(default_factory=dict[str, float])
    left_out: dict[str, str] = field(default_factory=dict[str, str])

    def per_second(self, name: str, kind: str = "connections_64") -> list[float]:
        """Requests a second of each round; empty when it was not measured."""
        return [run.load.per_second for run in self.runs.get(name, {}).get(kind, [])]

    def as_dict(self) -> dict[str, Any]:
        """Medians over the rounds, and the rounds."""
        found: dict[str, Any] = {}
        for name, kinds in self.runs.items():
            found[name] = {"version": self.versions[name]}
            if name in self.spans:
                found[name]["spans_arrived"] = round(self.spans[name], 4)
            for kind, runs in kinds.items():
                rounds = [run.as_dict() for run in runs]
                medians = {key: median(each[key] for each in rounds) for key in _MEDIANS}
                found[name][kind] = {**medians, "rounds": rounds}
        return found


def measure(ground: Ground, candidates: Iterable[Candidate], rounds: int, seconds: float) -> Rounds:
    """Check each candidate, then measure those that do what they say; ``seconds`` is of one run."""
    done, able = Rounds(), list[Candidate]()
    for candidate in candidates:
        try:
            done.versions[candidate.name] = candidate.version(ground)
            check(ground, candidate)
        except (CheckError, StartError, MissingError, OSError) as error:
            done.left_out[candidate.name] = _reason(error, ground)
            print(f"  left out: {candidate.name}: {done.left_out[candidate.name]}", flush=True)
        else:
            able.append(candidate)
            done.runs[candidate.name] = {}
    for number in range(1, rounds + 1):
        print(f"round {number} of {rounds}", flush=True)
        for candidate in list(able):
            try:
                _round(ground, candidate, seconds, done)
            except (CheckError, StartError, UnreadableReportError, OSError) as error:
                done.left_out[candidate.name] = _reason(error, ground)
                done.runs.pop(candidate.name)
                able.remove(candidate)
                print(f"  left out: {candidate.name}: {done.left_out[candidate.name]}", flush=True)
    return done


def _round(ground: Ground, candidate: Candidate, seconds: float, done: Rounds) -> None:
    ground.forget_counters()
    asked = 0
    with candidate.start(Setting(ground, ground.folder / candidate.name)) as server:
        for kind, (connections, mixed) in LOADS.items():
            if mixed and not candidate.mixed:
                continue
            warm = wrk.load(ground, candidate, server, connections, _WARM_UP_SECONDS, mixed=mixed)
            run, tries = _run(ground, candidate, server, connections, seconds, mixed=mixed)
            asked += warm.upstream_requests + tries
            done.runs[candidate.name].setdefault(kind, []).append(run)
            print(
                f"  {candidate.name:<30}{kind:<16}{run.load.per_second:>9.0f} req/s{run.cpu_us:>9.1f} us"
                f"{run.load.p50_ms:>9.2f} ms{run.load.p99_ms:>9.2f} ms{run.back_busy:>6.0%}",
                flush=True,
            )
    arrived = spans.arrived(ground.folder / "spans")
    if candidate.spans:
        done.spans[candidate.name] = arrived / asked


def _run(
    ground: Ground, candidate: Candidate, server: Server, connections: int, seconds: float, *, mixed: bool
) -> tuple[wrk.Run, int]:
    """A run that is what it says, and the requests at the upstream; one that a busy machine spoilt is made again."""
    asked = 0
    for _ in range(_TRIES - 1):
        run = wrk.load(ground, candidate, server, connections, seconds, mixed=mixed)
        asked += run.upstream_requests
        if _fault(candidate, run) is None:
            return run, asked
    run = wrk.load(ground, candidate, server, connections, seconds, mixed=mixed)
    if fault := _fault(candidate, run):
        raise CheckError(fault)
    return run, asked + run.upstream_requests


def _fault(candidate: Candidate, run: wrk.Run) -> str | None:
    requests = run.load.requests
    if not requests:
        return f"no answer in {run.load.seconds:.0f} seconds"
    if run.load.errors > requests * _TOLERATED:
        return f"{run.load.errors} of {requests} requests failed"
    if candidate.forwards and run.upstream_requests < requests * (1 - _TOLERATED):
        return f"of {requests} requests {run.upstream_requests} came to the upstream"
    if not candidate.forwards and run.upstream_requests > requests * _TOLERATED + 100:
        return f"of {requests} requests {run.upstream_requests} came to the upstream in spite of the cache"
    return None


def _reason(error: Exception, ground: Ground) -> str:
    # Without line ends and without the folders of this machine.
    return " ".join(str(error).replace(str(ground.folder), "").split())[:400]
