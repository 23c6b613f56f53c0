"""python -m benchmarks.messaging [relay ...]: measure these figures, all of them by default, and write the tables."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import uvloop

from benchmarks.messaging import imports, latency, orders, relay, reports, results, tables
from benchmarks.messaging.ground import Ground, fresh_ground

# A figure is one module: it is given the ground and the arguments, and returns its part of the results.
Figure = Callable[[Ground, argparse.Namespace], Awaitable[dict[str, Any]]]


async def _relay(ground: Ground, given: argparse.Namespace) -> dict[str, Any]:
    return await relay.measure(ground, rounds=given.rounds, rows=given.rows)


async def _latency(ground: Ground, given: argparse.Namespace) -> dict[str, Any]:
    return await latency.measure(ground, rounds=min(3, given.rounds))


async def _imports(ground: Ground, given: argparse.Namespace) -> dict[str, Any]:
    return await imports.measure(ground, rounds=min(3, given.rounds), rows=given.products)


async def _orders(ground: Ground, given: argparse.Namespace) -> dict[str, Any]:
    return await orders.measure(ground, rounds=min(3, given.rounds), seconds=given.seconds)


FIGURES: dict[str, Figure] = {
    "relay": _relay,
    "latency": _latency,
    "imports": _imports,
    "reports": reports.measure,
    "orders": _orders,
}


async def _measure(names: list[str], given: argparse.Namespace) -> None:
    for name in names:
        async with fresh_ground() as ground:
            figures = await FIGURES[name](ground, given)
        results.update(name, figures, results.ratios_of(figures))
        for ratio, pair in figures.get("ratios_of_rounds", {}).items():
            print(f"{ratio:28} {pair['ratio']:8.2f}  target {pair['target']:g}  rounds {pair['rounds']}")
        for who, rate in figures.get("messages_per_second", {}).items():
            print(f"  {who:26} {rate:8,} messages/s")
        for who, side in figures.get("sides", {}).items():
            print(f"  {who:26} {side}")
        if "p99_ms" in figures:
            print(f"  p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms of rounds {figures['p99_ms_of_rounds']}")


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.messaging", description=__doc__)
    # argparse of 3.11 holds "none given" to the choices too.
    parser.add_argument("figures", nargs="*", choices=[[], *FIGURES, "tables"], help="all of them by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--products", type=int, default=1_000_000, help="rows of the imported file")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each side in a round of orders")
    given = parser.parse_args()
    names = [name for name in given.figures or FIGURES if name != "tables"]
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    if names:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measure(names, given))
    tables.write(results.read())


if __name__ == "__main__":
    main()
