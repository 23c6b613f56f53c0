r"""An import of products beside ``psql``'s ``\copy`` of the same rows into the same table, in rounds by turns.

Ours is all of the job: reading the file, spooling, staging, checks, upsert, the list of what is to be told.
The peer is handed rows that are right already, and only writes them. Both fill an empty table with all of
its constraints and indexes, and both end with the commit.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from redis.asyncio import Redis

from benchmarks.gateway.figures import paired_ratio
from benchmarks.messaging.ground import Ground
from orders.domain.imports import ImportMode
from orders.import_files import ImportFiles
from orders.jobs.import_products import NAME, ImportProducts, import_job
from orders.main import MIGRATIONS
from orders.store import imports
from shared.jobs import JobType, JobWorker, enqueue
from shared.postgres import migrate
from shared.testing.servers import fresh_redis

TARGETS = {"import_vs_copy": 0.5}
_COLUMNS = "sku,name,description,price,currency,stock"


def write_products(path: Path, rows: int) -> None:
    """A file of products such as a shop has, of about 115 bytes a row."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{_COLUMNS}\n")
        file.writelines(
            f"SKU-{n:09d},Stoneware mug number {n},"
            f'"Hand-glazed, safe in the dishwasher, of batch {n % 977}.",{n % 900 + 1}.{n % 100:02d},EUR,{n % 500}\n'
            for n in range(rows)
        )


async def measure(ground: Ground, *, rounds: int, rows: int) -> dict[str, Any]:
    """Rows a second of each, medians of the rounds, and the ratio by round."""
    await migrate(ground.database, "orders", [MIGRATIONS])
    rates: dict[str, list[float]] = {"import": [], "copy": []}
    most_memory = 0
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "products.csv"
        write_products(source, rows)
        async with fresh_redis(ground.servers) as redis_url:
            for _ in range(rounds):
                rates["copy"].append(rows / await _copied(ground, source))
                rates["import"].append(rows / await _imported(ground, source, redis_url))
                most_memory = max(most_memory, _resident_megabytes())
    middle, found = paired_ratio(rates["import"], rates["copy"])
    pair = {"ratio": round(middle, 3), "target": TARGETS["import_vs_copy"], "rounds": [round(one, 3) for one in found]}
    return {
        "rows": rows,
        "rows_per_second": {name: round(median(each)) for name, each in rates.items()},
        "worker_resident_mb": most_memory,
        "ratios_of_rounds": {"import_vs_copy": pair},
    }


async def _copied(ground: Ground, source: Path) -> float:
    await _empty(ground)
    psql = _psql()
    copy = f"\\copy products ({_COLUMNS}) FROM '{source}' (FORMAT csv, HEADER true)"
    loop = asyncio.get_running_loop()
    started = loop.time()
    process = await asyncio.create_subprocess_exec(
        psql, ground.database.url, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", copy
    )
    if await process.wait() != 0:
        raise RuntimeError("psql did not copy")
    return loop.time() - started


def _psql() -> Path | str:
    found = shutil.which("psql") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))), None)
    if found is None:
        raise RuntimeError("psql is not here: it is the peer of an import")
    return found


async def _imported(ground: Ground, source: Path, redis_url: str) -> float:
    await _empty(ground)
    files = ImportFiles(source.parent, most_bytes=1 << 40)
    # Telling of it is a job of its own, which waits here: its speed is the relay's.
    types: list[JobType[Any]] = [import_job(files)]
    worker = JobWorker("bench", ground.database, Redis.from_url(redis_url), types)
    running = asyncio.create_task(worker.run())
    try:
        await _job(ground, worker, files, source, rows=1_000)  # so that the processes are there
        await _empty(ground)
        return await _job(ground, worker, files, source)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await worker.drain(5)


async def _job(ground: Ground, worker: JobWorker, files: ImportFiles, source: Path, rows: int | None = None) -> float:
    async with ground.database.transaction() as connection:
        job_id = await enqueue(connection, NAME, ImportProducts())
        await imports.insert(connection, job_id, "bench", ImportMode.ALL_OR_NOTHING, 1)
        if rows is None:
            await asyncio.to_thread(files.path(job_id).hardlink_to, source)
        else:
            await asyncio.to_thread(write_products, files.path(job_id), rows)
    loop = asyncio.get_running_loop()
    started = loop.time()
    worker.wake()
    while True:
        async with ground.database.acquire() as connection:
            row = await connection.fetchrow("SELECT status, message FROM jobs WHERE id = $1", job_id)
        if row is None or row["status"] in {"failed", "cancelled"}:
            raise RuntimeError(f"the import did not succeed: {row}")
        if row["status"] == "succeeded":
            return loop.time() - started
        await asyncio.sleep(0.02)


async def _empty(ground: Ground) -> None:
    async with ground.database.acquire() as connection:
        await connection.execute("TRUNCATE products, order_items, unannounced_products")


def _resident_megabytes() -> int:
    """The most that this process, the worker's stand-in, has ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
