"""Reports by a worker process as it is really started: a PDF of 10,000 rows, how many a minute, and its loop meanwhile.

The loop is judged by the worker's own probe (``event_loop_lag_seconds``), beside the same probe while nothing is
asked for: what the machine's other work does to any process is in both.
"""

import asyncio
import os
import socket
import sys
import tempfile
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks.messaging.ground import Ground
from reports.domain.report import ReportFormat, ReportType
from reports.main import MIGRATIONS
from reports.reporting import request_report
from shared.identity import Principal
from shared.postgres import migrate

_ROWS = 10_000
_SMALL, _MANY = 200, 60
_BOUND_SECONDS = "0.05"
_TOO_LATE_SECONDS = 300

_FILL = """
    WITH orders AS (
        INSERT INTO seen_orders (id, user_id, status, total, currency, placed_at, paid_at, version)
        SELECT $1::bigint * 1000000 + n, $1, 'paid', 24.98, 'EUR', $3::timestamptz - n * interval '1 hour', $3, 2
        FROM generate_series(1, $2) AS n RETURNING id
    )
    INSERT INTO seen_order_items SELECT id, 0, 1, 'TEA-' || id % 50, 'Green tea of the mountains', 2, 9.99 FROM orders
"""
_UNFINISHED = "SELECT count(*) FROM reports WHERE finished_at IS NULL"
_FAILED = "SELECT count(*) FROM reports WHERE finished_at IS NOT NULL AND status <> 'succeeded'"


async def measure(ground: Ground, given: Namespace) -> dict[str, Any]:
    """Seconds of a long PDF (median of rounds), short reports a minute, and how late the loop was."""
    await migrate(ground.database, "reports", [MIGRATIONS])
    async with ground.database.transaction() as connection:
        await connection.execute(_FILL, 1, _ROWS, datetime(2026, 1, 1, tzinfo=UTC))
        await connection.execute(_FILL, 2, _SMALL, datetime(2026, 1, 1, tzinfo=UTC))
    async with _worker(ground) as client:
        await _seconds(ground, 2, [ReportFormat.PDF] * 2)  # the processes are there, with their libraries
        before = await _lag(client)
        await asyncio.sleep(5)
        idle = _between(before, await _lag(client))
        before = await _lag(client)
        long = [await _seconds(ground, 1, [ReportFormat.PDF]) for _ in range(given.rounds)]
        formats = [list(ReportFormat)[number % 3] for number in range(_MANY)]
        many = await _seconds(ground, 2, formats)
        rendering = _between(before, await _lag(client))
    return {
        "pdf_rows": _ROWS,
        "pdf_seconds": round(median(long), 2),
        "pdf_seconds_of_rounds": [round(seconds, 2) for seconds in long],
        "reports_per_minute": round(60 * _MANY / many),
        "report_rows": _SMALL,
        "cores": os.cpu_count(),
        "loop_late_over_50_ms": {"idle": idle, "rendering": rendering},
        "ratios_of_rounds": {},
    }


async def _seconds(ground: Ground, user_id: int, formats: list[ReportFormat]) -> float:
    """From the asking, in one transaction, to the end of the last."""
    caller = Principal(str(user_id), "user", "free", frozenset({"reports:write"}), "bench")
    started = asyncio.get_running_loop().time()
    async with ground.database.transaction() as connection:
        for report_format in formats:
            await request_report(
                connection,
                caller,
                report_type=ReportType.ORDER_SUMMARY,
                report_format=report_format,
                params={},
                unfinished_limit=10_000,
                files_megabytes=10_000,
            )
    while True:
        async with ground.database.acquire() as connection:
            if await connection.fetchval(_UNFINISHED) == 0:
                break
        seconds = asyncio.get_running_loop().time() - started
        if seconds > _TOO_LATE_SECONDS:
            raise TimeoutError("the reports were not finished")
        await asyncio.sleep(0.02)
    seconds = asyncio.get_running_loop().time() - started
    async with ground.database.acquire() as connection:
        if await connection.fetchval(_FAILED):
            raise RuntimeError("a report was not made")
    return seconds


async def _lag(client: httpx.AsyncClient) -> tuple[int, int]:
    """How often the loop was looked at, and how often it was late by more than the bound."""
    looked = within = 0
    for line in (await client.get("/metrics")).text.splitlines():
        if line.startswith("event_loop_lag_seconds_count"):
            looked = int(float(line.rpartition(" ")[2]))
        elif line.startswith(f'event_loop_lag_seconds_bucket{{le="{_BOUND_SECONDS}"'):
            within = int(float(line.rpartition(" ")[2]))
    if not looked:
        raise RuntimeError("the worker does not measure its loop")
    return looked, looked - within


def _between(before: tuple[int, int], after: tuple[int, int]) -> dict[str, int]:
    return {"looks": after[0] - before[0], "late": after[1] - before[1]}


@asynccontextmanager
async def _worker(ground: Ground) -> AsyncIterator[httpx.AsyncClient]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        own = {
            "DATABASE_URL": ground.database.url,
            "AMQP_URL": ground.amqp_url,
            "REDIS_URL": ground.servers.redis,
            "TOKEN_ISSUER": "http://127.0.0.1:1",
            "HTTP_PORT": str(port),
            "REPORTS_DIR": str(Path(directory)),
            "LOG_LEVEL": "ERROR",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "reports.worker", env={**os.environ, **own}, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
                async with asyncio.timeout(120):
                    while not await _ready(client):  # noqa: ASYNC110 - another process has no event to wait for
                        await asyncio.sleep(0.1)
                yield client
        finally:
            process.terminate()
            await process.wait()


async def _ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).is_success
    except httpx.TransportError:
        return False
