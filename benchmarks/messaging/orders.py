"""Orders placed through the service beside a bare asyncpg loop that runs the same SQL on as many connections.

The service answers HTTP: token checked, body checked, priced, written, told in the outbox, answered. The loop runs the
statements that the service's own code asked of Postgres, ``BEGIN`` and ``COMMIT`` among them. Both begin with the same
tables. wrk makes the requests; it, Postgres and both sides share the machine's cores.
"""

import asyncio
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import orjson

from benchmarks.gateway import machine
from benchmarks.gateway.figures import paired_ratio, read_report
from benchmarks.messaging.ground import Ground
from benchmarks.messaging.orders_service import OrdersService, orders_service
from benchmarks.messaging.placements import FIRST_ID, USER_ID, bare_loop, captured
from orders.main import MIGRATIONS
from shared.postgres import migrate
from shared.testing.waiting import eventually

CONNECTIONS = 16
TARGET = 0.5
_PRODUCTS = 2_000
_CAPTURED = 200
_SCRIPT = Path(__file__).parent / "orders.lua"
_WARM_SECONDS = 2.0
_RATIOS = {"keyed": "orders_vs_bare_sql", "bare": "orders_vs_bare_sql_without_key"}
_FILL = """
    INSERT INTO products (sku, name, description, price, currency, stock)
    SELECT 'SKU-' || n, 'Stoneware mug number ' || n, 'Hand-glazed.', (n % 90 + 1)::numeric + 0.49, 'EUR', 1000000000
    FROM generate_series(1, $1::integer) AS n
"""
_IN_HAND = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        AND state <> 'idle'
"""


@dataclass
class _Rounds:
    """Of one side: orders a second of each round, CPU milliseconds an order of its process and of Postgres."""

    rates: list[float] = field(default_factory=list[float])
    own_ms: list[float] = field(default_factory=list[float])
    postgres_ms: list[float] = field(default_factory=list[float])

    def figures(self) -> dict[str, float]:
        """Medians."""
        return {
            "orders_per_second": round(median(self.rates)),
            "python_ms_per_order": round(median(self.own_ms), 3),
            "postgres_ms_per_order": round(median(self.postgres_ms), 3),
        }


async def measure(ground: Ground, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Orders a second of each, medians of the rounds, and the ratio by round; with a key an order and without."""
    await migrate(ground.database, "orders", [MIGRATIONS])
    connections = [await asyncpg.connect(ground.database.url) for _ in range(CONNECTIONS)]
    for connection in connections:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads
        )
    found: dict[str, _Rounds] = {}
    try:
        await connections[0].execute("SELECT setval('orders_id_seq', $1::bigint)", FIRST_ID)
        postmaster = _parent(await connections[0].fetchval("SELECT pg_backend_pid()"))
        async with orders_service(ground, USER_ID, CONNECTIONS) as service:
            for _ in range(rounds):
                for keys in _RATIOS:
                    for side in ("service", "bare_sql"):
                        products = await _same_state(connections[0])
                        run: Callable[[float], Awaitable[float]]
                        if side == "service":
                            run, pid = _service_run(service, products, keys), service.pid
                        else:
                            placements = await captured(ground.database, products, _CAPTURED, keyed=keys == "keyed")
                            run, pid = lambda s, p=placements: bare_loop(connections, p, s), None
                        await run(_WARM_SECONDS)
                        await _measured(found.setdefault(f"{side} {keys}", _Rounds()), run, seconds, pid, postmaster)
    finally:
        for connection in connections:
            await connection.close()
    return {
        "connections": CONNECTIONS,
        "sides": {name: each.figures() for name, each in found.items()},
        "ratios_of_rounds": {
            name: _pair(found[f"service {keys}"].rates, found[f"bare_sql {keys}"].rates)
            for keys, name in _RATIOS.items()
        },
    }


async def _same_state(connection: "asyncpg.Connection[asyncpg.Record]") -> list[int]:
    """Full shelves and no orders; the ids of the products, one after the other."""

    # What was in hand when wrk ended is placed all the same, and locks in another order than TRUNCATE does.
    async def quiet() -> bool:
        return await connection.fetchval(_IN_HAND) == 0

    await eventually(quiet)
    await connection.execute("TRUNCATE products, orders, order_items, payments, outbox, idempotency_keys CASCADE")
    await connection.execute(_FILL, _PRODUCTS)
    await connection.execute("ANALYZE products")
    return [row["id"] for row in await connection.fetch("SELECT id FROM products ORDER BY id")]


def _service_run(service: OrdersService, products: list[int], keys: str) -> Callable[[float], Awaitable[float]]:
    async def run(seconds: float) -> float:
        wrk = shutil.which("wrk")
        if wrk is None:
            raise RuntimeError("wrk is not in PATH (Debian: apt install wrk): it places the orders")
        script = [
            str(products[0]),
            str(products[-1]),
            keys,
            service.token,
            secrets.token_hex(8),
            str(secrets.randbelow(1000)),
        ]
        process = await asyncio.create_subprocess_exec(
            wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", str(_SCRIPT),
            f"http://127.0.0.1:{service.port}", "--", *script, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await process.communicate()
        report = read_report(said.decode())
        if report.errors:
            raise RuntimeError(f"{report.errors} of {report.requests} orders were not placed")
        return report.per_second

    return run


async def _measured(
    into: _Rounds, run: Callable[[float], Awaitable[float]], seconds: float, pid: int | None, postmaster: int
) -> None:
    def used() -> tuple[float, float]:
        own = time.process_time() if pid is None else machine.usage(pid).total
        return own, machine.usage(postmaster).total

    loop = asyncio.get_running_loop()
    before, began = used(), loop.time()
    rate = await run(seconds)
    orders = max(1.0, rate * (loop.time() - began))
    own, postgres = (now - was for now, was in zip(used(), before, strict=True))
    into.rates.append(rate)
    into.own_ms.append(own / orders * 1e3)
    into.postgres_ms.append(postgres / orders * 1e3)


def _pair(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    middle, ratios = paired_ratio(ours, theirs)
    return {"ratio": round(middle, 3), "target": TARGET, "rounds": [round(one, 3) for one in ratios]}


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
