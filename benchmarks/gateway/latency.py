"""What a gateway adds to the time of a request at a fixed rate, far below its limit."""

import json
import subprocess
import sys
from statistics import median
from typing import Any

from benchmarks.gateway import wrk
from benchmarks.gateway.candidates import CANDIDATES
from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.figures import paired_ratio
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import StartError
from benchmarks.gateway.tools import MissingError

RATE = 5000
_WARM_UP_SECONDS = 2.0
_TOLERATED = 0.001
_NAMES = ("bare", "nginx", "policy", "haproxy_policy", "envoy_policy_cached")
_FIGURES = ("p50_ms", "p99_ms", "p99.9_ms")


class SpoiltError(Exception):
    """The generator did not get its answers."""


def latency(ground: Ground, rounds: int, seconds: float, rate: int = RATE) -> dict[str, Any]:
    """For the results: each candidate's and the direct call's percentiles, and the added p99 over nginx's added p99."""
    runs: dict[str, list[dict[str, float]]] = {"direct": []}
    spoilt: dict[str, str] = {}
    for number in range(1, rounds + 1):
        print(f"latency at {rate} requests a second, round {number} of {rounds}", flush=True)
        _note(runs, "direct", open_loop(ground, CANDIDATES["nginx"], ground.upstream, seconds, rate))
        for name in _NAMES:
            try:
                _note(runs, name, _candidate(ground, CANDIDATES[name], seconds, rate))
            except (SpoiltError, StartError, MissingError) as error:
                spoilt[name] = str(error)
                print(f"  left out: {name}: {error}", flush=True)
    whole = {name: each for name, each in runs.items() if name not in spoilt}
    found: dict[str, Any] = {"rate": rate, "left_out": spoilt, "candidates": {}}
    added: dict[str, list[float]] = {}
    for name, each in whole.items():
        added[name] = [run["p99_ms"] - direct["p99_ms"] for run, direct in zip(each, runs["direct"], strict=True)]
        found["candidates"][name] = {key: median(run[key] for run in each) for key in _FIGURES}
        found["candidates"][name]["added_p99_ms"] = round(median(added[name]), 4)
    for name in ("bare", "policy"):
        if name in whole and "nginx" in whole and min(added["nginx"]) > 0:
            found[f"added_p99_{name}_vs_nginx"] = round(paired_ratio(added[name], added["nginx"])[0], 3)
    return found


def _candidate(ground: Ground, candidate: Candidate, seconds: float, rate: int) -> dict[str, float]:
    with candidate.start(Setting(ground, ground.folder / f"{candidate.name}-latency")) as server:
        wrk.load(ground, candidate, server, 8, 1)
        open_loop(ground, candidate, server.port, _WARM_UP_SECONDS, rate)
        return open_loop(ground, candidate, server.port, seconds, rate)


def _note(runs: dict[str, list[dict[str, float]]], name: str, run: dict[str, float]) -> None:
    runs.setdefault(name, []).append(run)
    print(f"  {name:<24}" + "".join(f"{key} {run[key]:>8.3f}   " for key in _FIGURES), flush=True)


def open_loop(ground: Ground, candidate: Candidate, port: int, seconds: float, rate: int) -> dict[str, float]:
    """One run of open_loop.py on the load's core; raises SpoiltError when answers were missing."""
    command = ["taskset", "-c", str(ground.back), sys.executable, "-m", "benchmarks.gateway.open_loop", str(port)]
    command += [candidate.path, "--rate", str(rate), "--seconds", f"{seconds:g}"]
    headers = "\n".join(f"{name}: {value}" for name, value in wrk.headers(ground, candidate).items())
    ended = subprocess.run(command, input=headers, capture_output=True, text=True, check=False, timeout=seconds + 60)
    if ended.returncode:
        raise SpoiltError(ended.stderr[-500:])
    run: dict[str, float] = json.loads(ended.stdout)
    if run["errors"] > run["answers"] * _TOLERATED:
        raise SpoiltError(f"{run['errors']:.0f} of {run['errors'] + run['answers']:.0f} answers missing")
    return run
