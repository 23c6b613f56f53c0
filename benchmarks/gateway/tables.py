"""Writes the tables of docs/benchmarks.md from the results file, between their markers."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.gateway.candidates import CANDIDATES

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_KINDS = {"connections_64": "64 connections", "connections_1": "1 connection", "mixed_64": "64, mixed"}

Results = dict[str, Any]


class MarkerError(Exception):
    """The document has no place for a table."""


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; columns after the first are to the right."""
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "| --- |" + " ---: |" * (len(names) - 1)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def fill(document: str, name: str, text: str) -> str:
    """The document with ``text`` between the markers of ``name``."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    filled, count = pattern.subn(lambda found: f"{found[1]}{text}\n{found[2]}", document)
    if count != 1:
        raise MarkerError(name)
    return filled


def write(results: Results) -> None:
    """Every table whose figures are there."""
    document = DOCUMENT.read_text()
    for name, (part, render) in TABLES.items():
        if part in results:
            document = fill(document, name, render(results))
    DOCUMENT.write_text(document)


def _ratios(results: Results) -> str:
    mixed = results.get("ratios_mixed", {})
    rows = [
        (
            f"`{name}`",
            f"**{pair['ratio']:.2f}**",
            f"{pair['target']:g}",
            f"{min(pair['rounds']):.2f} to {max(pair['rounds']):.2f}",
            f"{mixed[name]:.2f}" if name in mixed else "",
        )
        for name, pair in results["ratios_of_rounds"].items()
    ]
    return table(["gateway over peer", "ratio", "target", "rounds", "mixed traffic"], rows)


def _candidates(results: Results) -> str:
    sections: list[str] = []
    for kind, title in _KINDS.items():
        rows = [
            (
                CANDIDATES[name].title,
                f"{found[kind]['requests_per_second']:,.0f}",
                f"{found[kind]['p50_ms']:.2f}",
                f"{found[kind]['p99_ms']:.2f}",
                f"{found[kind]['cpu_us_per_request']:.1f}",
                f"{found[kind]['candidate_busy']:.0%}",
                f"{found[kind]['load_core_busy']:.0%}",
            )
            for name, found in results["candidates"].items()
            if kind in found and name in CANDIDATES
        ]
        head = [title, "requests a second", "p50 ms", "p99 ms", "CPU µs a request", "its core busy", "load's core busy"]
        sections.append(table(head, rows))
    return "\n\n".join(sections)


def _work(results: Results) -> str:
    rows = [
        (each.title, each.work, each.leaves_out or "nothing", results["candidates"].get(name, {}).get("version", ""))
        for name, each in CANDIDATES.items()
    ]
    return table(["candidate", "what it does", "what it leaves out", "version"], rows).replace(" ---: |", " --- |")


def _machine(results: Results) -> str:
    machine, ceiling, rounds = results["machine"], results["ceiling"], results["rounds"]
    arrived = results["candidates"].get("traced", {}).get("spans_arrived")
    lines = [
        f"- {machine['cpu']}, {machine['cores']} cores, {machine['memory_mb'] // 1024} GB; Linux {machine['kernel']}.",
        f"- {rounds['rounds']} rounds of {rounds['seconds']:g} seconds a run; {results['measured']['candidates']}.",
        f"- The upstream asked by wrk directly, on one core with it: {ceiling['requests_per_second']:,.0f} a second.",
    ]
    lines.append("- " + "; ".join(f"{name} {version}" for name, version in results["tools"].items()) + ".")
    if arrived is not None:
        lines.append(f"- Of the requests that should all be traced, {arrived:.1%} had their span at the sink.")
    lines += [f"- Left out: {name}: {reason}" for name, reason in results["left_out"].items()]
    return "\n".join(lines)


def _latency(results: Results) -> str:
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


def _scaling(results: Results) -> str:
    found = results["scaling"]
    return (
        f"Policy on the cores {', '.join(map(str, found['cores']))}, which wrk, the upstream and Redis use too: one "
        f"worker {found['workers_1']:,.0f} requests a second, two workers {found['workers_2']:,.0f}: "
        f"**{found['ratio']:.2f}** times."
    )


def _transfer(results: Results) -> str:
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


def _idle(results: Results) -> str:
    found = results["idle"]
    rows = [
        (CANDIDATES[name].title, f"{found[name]['before_mb']:.0f}", f"{found[name]['with_connections_mb']:.0f}")
        for name in ("policy", "nginx")
    ]
    return table([f"{found['connections']:,} idle connections", "memory before, MB", "memory with them, MB"], rows)


def _soak(results: Results) -> str:
    found = results["soak"]
    rows = [
        (f"{when}, {found[when]['second']:.0f} s", f"{found[when]['memory_mb']:.0f}", found[when]["open_files"])
        for when in ("start", "middle", "end")
    ]
    written = table(["soak", "memory, MB", "open files"], rows)
    return f"{written}\n\n{found['requests']:,} requests, {found['errors']} failed."


TABLES: dict[str, tuple[str, Callable[[Results], str]]] = {
    "gateway:ratios": ("ratios_of_rounds", _ratios),
    "gateway:candidates": ("candidates", _candidates),
    "gateway:work": ("candidates", _work),
    "gateway:machine": ("ceiling", _machine),
    "gateway:latency": ("latency", _latency),
    "gateway:scaling": ("scaling", _scaling),
    "gateway:transfer": ("transfer", _transfer),
    "gateway:idle": ("idle", _idle),
    "gateway:soak": ("soak", _soak),
}
