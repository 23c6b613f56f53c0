"""Writes the tables of docs/benchmarks.md from the results files, between their markers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.gateway import tables_beside
from benchmarks.gateway.candidates import CANDIDATES
from benchmarks.gateway.markdown import fill, table

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_KINDS = {"connections_64": "64 connections", "connections_1": "1 connection", "mixed_64": "64, mixed"}

Results = dict[str, Any]


def write(results: Results) -> None:
    """Every table whose figures are there."""
    document, results = DOCUMENT.read_text(), {**results, **tables_beside.others()}
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


TABLES: dict[str, tuple[str, Callable[[Results], str]]] = {
    "gateway:ratios": ("ratios_of_rounds", _ratios),
    "gateway:candidates": ("candidates", _candidates),
    "gateway:work": ("candidates", _work),
    "gateway:machine": ("ceiling", _machine),
    "gateway:latency": ("latency", tables_beside.latency),
    "gateway:scaling": ("scaling", tables_beside.scaling),
    "gateway:transfer": ("transfer", tables_beside.transfer),
    "gateway:idle": ("idle", tables_beside.idle),
    "gateway:soak": ("soak", tables_beside.soak),
    "limits": ("limits", tables_beside.limits),
    "overload": ("overload", tables_beside.overload),
}
