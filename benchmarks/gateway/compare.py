"""All candidates over the rounds; results and tables written."""

from benchmarks.gateway import results, tables, wrk
from benchmarks.gateway.candidates import CANDIDATES
from benchmarks.gateway.candidates.nginx import NGINX
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.rounds import measure

_CONNECTIONS = 64


def compare(ground: Ground, names: list[str], rounds: int, seconds: float) -> bool:
    """Prints the ratios; False when a candidate of ours was left out. With ``names`` nothing is written."""
    upstream = wrk.Upstream(ground.upstream, ground.upstream_pid)
    ceiling = wrk.load(ground, NGINX, upstream, _CONNECTIONS, seconds).as_dict()
    print(f"the upstream's own ceiling: {ceiling['requests_per_second']:.0f} requests a second", flush=True)
    chosen = [CANDIDATES[name] for name in names] if names else list(CANDIDATES.values())
    done = measure(ground, chosen, rounds, seconds)
    parts = results.of_rounds(done, rounds, seconds, ceiling)
    for name, pair in parts["ratios_of_rounds"].items():
        reached = "reached" if pair["ratio"] >= pair["target"] else "missed"
        print(f"  {name:<34}{pair['ratio']:>8.2f}   target {pair['target']:g}, {reached}")
    if not names:
        tables.write(results.update(**parts))
    return all(CANDIDATES[name].version is not CANDIDATES["policy"].version for name in done.left_out)
