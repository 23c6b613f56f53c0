"""The results file: ratios of pairs, each candidate's figures, the machine, and what was left out and why."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.gateway import machine
from benchmarks.gateway.figures import paired_ratio
from benchmarks.gateway.rounds import Rounds

RESULTS = Path(__file__).parents[1] / "results" / "gateway.json"

# Gateway over peer, requests a second at 64 connections; the target is what the project asks of itself.
RATIOS = {
    "policy_vs_haproxy_policy": ("policy", "haproxy_policy", 1.5),
    "policy_vs_envoy_policy": ("policy", "envoy_policy", 2.0),
    "policy_vs_envoy_policy_cached": ("policy", "envoy_policy_cached", 1.3),
    "policy_vs_fast_gateway_policy": ("policy", "fast_gateway_policy", 3.5),
    "policy_vs_tutorial_policy": ("policy", "tutorial_policy", 100.0),
    "bare_vs_nginx": ("bare", "nginx", 0.8),
    "cached_vs_nginx_cache": ("cached", "nginx_cache", 1.2),
    "traced_vs_policy": ("traced", "policy", 0.5),
    "not_modified_vs_nginx_304": ("not_modified", "nginx_304", 1.2),
}


def ratios(done: Rounds, kind: str = "connections_64") -> dict[str, dict[str, Any]]:
    """Median of the ratios of the rounds, with the rounds and the target; without those that miss a side."""
    found: dict[str, dict[str, Any]] = {}
    for name, (ours, theirs, target) in RATIOS.items():
        mine, others = done.per_second(ours, kind), done.per_second(theirs, kind)
        if mine and len(mine) == len(others):
            middle, rounds = paired_ratio(mine, others)
            found[name] = {"ratio": round(middle, 3), "target": target, "rounds": [round(each, 3) for each in rounds]}
    return found


def read() -> dict[str, Any]:
    """The results file; empty when nothing was measured."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def update(**parts: Any) -> dict[str, Any]:
    """Put these parts into the results file and leave the others as they are, each with its time and machine."""
    results = read()
    results.update(parts)
    measured = results.setdefault("measured", {})
    for name in parts:
        measured[name] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    results["machine"] = machine.describe()
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    return results


def of_rounds(
    done: Rounds, rounds: int, seconds: float, ceiling: dict[str, Any], tools: dict[str, str]
) -> dict[str, Any]:
    """The parts that the rounds give."""
    pairs = ratios(done)
    return {
        "ratios": {name: pair["ratio"] for name, pair in pairs.items()},
        "ratios_of_rounds": pairs,
        "ratios_mixed": {name: pair["ratio"] for name, pair in ratios(done, "mixed_64").items()},
        "candidates": done.as_dict(),
        "left_out": done.left_out,
        "rounds": {"rounds": rounds, "seconds": seconds},
        "ceiling": ceiling,
        "tools": tools,
    }
