"""One worker and two on both cores, which they share with the load: how much more the second brings even so."""

from dataclasses import replace
from statistics import median
from typing import Any

from benchmarks.gateway import wrk
from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.candidates.gatehouse import POLICY, POLICY_TWO_WORKERS
from benchmarks.gateway.figures import paired_ratio
from benchmarks.gateway.ground import Ground

_CONNECTIONS = 64


def scaling(ground: Ground, rounds: int, seconds: float) -> dict[str, Any]:
    """For the results; with more cores the load has one of its own and the workers share none."""
    both = replace(ground, front=tuple(sorted({*ground.front, ground.back})))
    runs: dict[str, list[float]] = {"1": [], "2": []}
    for _ in range(rounds):
        for workers, candidate in (("1", POLICY), ("2", POLICY_TWO_WORKERS)):
            runs[workers].append(_run(both, candidate, seconds))
    found = {"cores": list(both.front), "ratio": round(paired_ratio(runs["2"], runs["1"])[0], 3)}
    return found | {f"workers_{workers}": round(median(each), 1) for workers, each in runs.items()}


def _run(ground: Ground, candidate: Candidate, seconds: float) -> float:
    ground.forget_counters()
    with candidate.start(Setting(ground, ground.folder / candidate.name)) as server:
        wrk.load(ground, candidate, server, _CONNECTIONS, 1)
        run = wrk.load(ground, candidate, server, _CONNECTIONS, seconds)
    print(f"  {candidate.name:<24}{run.load.per_second:>9.0f} req/s{run.cpu_us:>9.1f} us", flush=True)
    return run.load.per_second
