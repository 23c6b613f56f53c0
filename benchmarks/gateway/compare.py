"""All candidates over the rounds; results and tables written."""

from collections.abc import Callable
from typing import Any

from benchmarks.gateway import results, tables, wrk
from benchmarks.gateway.candidates import CANDIDATES, nginx
from benchmarks.gateway.figures import UnreadableReportError
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.idle import idle
from benchmarks.gateway.latency import latency
from benchmarks.gateway.rounds import measure
from benchmarks.gateway.scaling import scaling
from benchmarks.gateway.server import StartError
from benchmarks.gateway.soak import soak
from benchmarks.gateway.tools import MissingError
from benchmarks.gateway.transfer import BrokenError, transfer

_CONNECTIONS = 64
_LATENCY_SECONDS = 10.0


def compare(ground: Ground, names: list[str], rounds: int, seconds: float) -> bool:
    """Prints the ratios; False when a candidate of ours was left out. With ``names`` nothing is written."""
    upstream = wrk.Upstream(ground.upstream, ground.upstream_pid)
    ceiling = wrk.load(ground, nginx.NGINX, upstream, _CONNECTIONS, seconds).as_dict()
    print(f"the upstream's own ceiling: {ceiling['requests_per_second']:.0f} requests a second", flush=True)
    chosen = [CANDIDATES[name] for name in names] if names else list(CANDIDATES.values())
    done = measure(ground, chosen, rounds, seconds)
    tools = {
        "load by wrk": ground.tools.version("wrk", "-v").split(" [")[0].removeprefix("wrk "),
        "upstream": nginx.version(ground),
        "limits in": ground.tools.version("redis", "--version").split(" sha=")[0].replace(" server v=", " "),
    }
    parts = results.of_rounds(done, rounds, seconds, ceiling, tools)
    for name, pair in parts["ratios_of_rounds"].items():
        reached = "reached" if pair["ratio"] >= pair["target"] else "missed"
        print(f"  {name:<34}{pair['ratio']:>8.2f}   target {pair['target']:g}, {reached}")
    if not names:
        tables.write(results.update(**parts))
    return all(CANDIDATES[name].version is not CANDIDATES["policy"].version for name in done.left_out)


def beside(ground: Ground, rounds: int, seconds: float, soak_seconds: float) -> None:
    """What is measured beside the comparison: latency at a fixed rate, two workers, large bodies, idle connections."""
    parts: dict[str, Callable[[], Any]] = {
        "latency": lambda: latency(ground, rounds, _LATENCY_SECONDS),
        "scaling": lambda: scaling(ground, rounds, seconds),
        "transfer": lambda: transfer(ground, rounds),
        "idle": lambda: idle(ground),
    }
    if soak_seconds:
        parts["soak"] = lambda: soak(ground, soak_seconds)
    for name, part in parts.items():
        print(name, flush=True)
        try:
            tables.write(results.update(**{name: part()}))
        except (StartError, MissingError, BrokenError, UnreadableReportError, OSError) as error:
            print(f"  not measured: {name}: {error}", flush=True)
