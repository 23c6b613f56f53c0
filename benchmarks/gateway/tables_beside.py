"""Tables of what is measured beside the comparison, from the results files."""

import json
from typing import Any

from benchmarks.gateway.candidates import CANDIDATES
from benchmarks.gateway.markdown import table
from benchmarks.gateway.results import RESULTS

Results = dict[str, Any]


def latency(results: Results) -> str:
    """Percentiles at the fixed rate, and what each adds."""
    found = results["latency"]
    names = {"direct": "direct calls"} | {
        name: CANDIDATES[name].title for name in found["candidates"] if name != "direct"
    }
    rows = [
        (names[name], *(f"{each[key]:.3f}" for key in ("p50_ms", "p99_ms", "p99.9_ms", "added_p99_ms")))
        for name, each in found["candidates"].items()
    ]
    written = table([f"{found['rate']:,} requests a second", "p50 ms", "p99 ms", "p99.9 ms", "added p99 ms"], rows)
    ratios = [
        f"Added p99 over nginx's: {name} {found[key]:.2f} (at most 1.5)."
        for name in ("bare", "policy")
        if (key := f"added_p99_{name}_vs_nginx") in found
    ]
    return "\n\n".join([written, *ratios])


def scaling(results: Results) -> str:
    """One worker and two."""
    found = results["scaling"]
    return (
        f"Policy on the cores {', '.join(map(str, found['cores']))}, which wrk, the upstream and Redis use too: one "
        f"worker {found['workers_1']:,.0f} requests a second, two workers {found['workers_2']:,.0f}: "
        f"**{found['ratio']:.2f}** times."
    )


def transfer(results: Results) -> str:
    """One gigabyte each way."""
    found = results["transfer"]
    rows = [
        (
            f"{CANDIDATES[name].title}, {kind}",
            f"{found[name][kind]['mb_per_second']:.0f}",
            f"{found[name][kind]['memory_before_mb']:.0f}",
            f"{found[name][kind]['memory_at_most_mb']:.0f}",
        )
        for kind in ("download", "upload")
        for name in ("bare", "nginx")
    ]
    written = table(["1 GB", "MB a second", "memory before, MB", "memory at most, MB"], rows)
    download, upload = found["download_vs_nginx"], found["upload_vs_nginx"]
    return f"{written}\n\nOver nginx: download **{download:.2f}**, upload **{upload:.2f}**."


def idle(results: Results) -> str:
    """Memory with idle connections."""
    found = results["idle"]
    rows = [
        (CANDIDATES[name].title, f"{found[name]['before_mb']:.0f}", f"{found[name]['with_connections_mb']:.0f}")
        for name in ("policy", "nginx")
    ]
    return table([f"{found['connections']:,} idle connections", "memory before, MB", "memory with them, MB"], rows)


def soak(results: Results) -> str:
    """Memory and open files over the long run."""
    found = results["soak"]
    rows = [
        (f"{when}, {found[when]['second']:.0f} s", f"{found[when]['memory_mb']:.0f}", found[when]["open_files"])
        for when in ("start", "middle", "end")
    ]
    written = table(["soak", "memory, MB", "open files"], rows)
    return f"{written}\n\n{found['requests']:,} requests, {found['errors']} failed."


def others() -> Results:
    """The results of the benchmarks that have files of their own."""
    files = {name: RESULTS.with_name(f"{name}.json") for name in ("limits", "overload")}
    return {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}


def limits(results: Results) -> str:
    """The limiter beside the library `limits`."""
    found = results["limits"]
    rows = [
        (name, f"{each['decisions_per_second']:,.0f}", f"{each['own_us']:.1f}", f"{each['redis_us']:.1f}")
        for name, each in found["medians"].items()
    ]
    return table(["who, algorithm, requests in flight", "decisions a second", "own µs", "Redis µs"], rows)


def overload(results: Results) -> str:
    """Goodput and latency at five times what a service can do, with the adaptive limit and without."""
    found = results["overload"]
    rows = [
        (
            f"{'with' if kind == 'with_limit' else 'without'} the adaptive limit, {load}",
            f"{found[kind][load]['goodput']:.0f}",
            f"{found[kind][load]['p50_ms']:.0f}",
            f"{found[kind][load]['p99_ms']:.0f}",
        )
        for kind in ("with_limit", "without")
        for load in ("calm", "peak", "overload")
    ]
    return table(["load", "answers in time a second", "p50 ms", "p99 ms"], rows)
