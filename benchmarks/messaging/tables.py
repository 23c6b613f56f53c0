"""Writes the tables of messaging into docs/benchmarks.md, between their markers."""

from collections.abc import Callable
from typing import Any

from benchmarks.gateway.markdown import fill, table
from benchmarks.gateway.tables import DOCUMENT

Results = dict[str, Any]
_RELAY = {"relay": "the relay", "bare": "bare loop, batches of 500", "one_by_one": "bare loop, one by one"}


def write(results: Results) -> None:
    """Every table whose figures are there."""
    document = DOCUMENT.read_text()
    for name, (part, render) in TABLES.items():
        if part in results:
            document = fill(document, name, render(results))
    DOCUMENT.write_text(document)


def ratio_rows(figures: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """A part's ratios as rows: name, median, target, how far the rounds lie apart."""
    return [
        (
            f"`{name}`",
            f"**{pair['ratio']:.2f}**",
            f"{pair['target']:g}",
            f"{min(pair['rounds']):.2f} to {max(pair['rounds']):.2f}",
        )
        for name, pair in figures["ratios_of_rounds"].items()
    ]


def _relay(results: Results) -> str:
    found = results["relay"]
    rates = [(_RELAY[name], f"{rate:,}") for name, rate in found["messages_per_second"].items()]
    ratios = table(["ratio", "median", "target", "rounds"], ratio_rows(found))
    return f"{ratios}\n\n{table(['who', 'messages a second'], rates)}"


def _latency(results: Results) -> str:
    found = results["latency"]
    rates = found["events_per_second"]
    return table(
        [
            "from the producer to the committed effect",
            "events a second",
            "p50 ms",
            "p99 ms",
            "target",
            "p99 of the rounds",
        ],
        [
            (
                "at half of the peak",
                f"{rates['offered']:,} of {rates['peak']:,}",
                f"{found['p50_ms']:g}",
                f"**{found['p99_ms']:g}**",
                f"{found['target_p99_ms']:g}",
                ", ".join(f"{each:g}" for each in found["p99_ms_of_rounds"]),
            )
        ],
    )


def _imports(results: Results) -> str:
    found = results["imports"]
    names = {"import": "the import, all of its job", "copy": "`psql \\copy` of right rows"}
    rates = [(names[name], f"{rate:,}") for name, rate in found["rows_per_second"].items()]
    ratios = table(["ratio", "median", "target", "rounds"], ratio_rows(found))
    memory = f"{found['rows']:,} rows; the worker held {found['worker_resident_mb']} MB at most."
    return f"{ratios}\n\n{table(['who', 'rows a second'], rates)}\n\n{memory}"


def _reports(results: Results) -> str:
    found = results["reports"]
    late = found["loop_late_over_50_ms"]
    rows = [
        (f"PDF of {found['pdf_rows']:,} orders and as many items, seconds", f"{found['pdf_seconds']:g}"),
        (f"reports of {found['report_rows']} orders a minute, formats by turns", f"{found['reports_per_minute']:,}"),
        *((f"worker's loop late by over 50 ms, {when}", f"{n['late']} of {n['looks']:,}") for when, n in late.items()),
    ]
    return table([f"on {found['cores']} cores", "figure"], rows)


_SIDES = {
    "service keyed": "the service, an `Idempotency-Key` an order",
    "bare_sql keyed": "bare loop of the same SQL",
    "service bare": "the service, no key",
    "bare_sql bare": "bare loop of the same SQL",
}


def _orders(results: Results) -> str:
    found = results["orders"]
    sides = [
        (
            _SIDES[name],
            f"{side['orders_per_second']:,}",
            f"{side['python_ms_per_order']:.2f}",
            f"{side['postgres_ms_per_order']:.2f}",
        )
        for name, side in found["sides"].items()
    ]
    ratios = table(["ratio", "median", "target", "rounds"], ratio_rows(found))
    head = ["who", "orders a second", "Python ms an order", "Postgres ms an order"]
    return f"{ratios}\n\n{table(head, sides)}"


TABLES: dict[str, tuple[str, Callable[[Results], str]]] = {
    "messaging:relay": ("relay", _relay),
    "messaging:latency": ("latency", _latency),
    "messaging:imports": ("imports", _imports),
    "messaging:reports": ("reports", _reports),
    "messaging:orders": ("orders", _orders),
}
