"""The job that imports a file of products: read, staged, checked, written, in one transaction.

Killed anywhere before the commit it leaves nothing; killed after it, the next attempt finds that the
products are written. A second attempt that starts while the first still hangs waits for the import's row.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from pydantic import BaseModel

from orders.domain.imports import Applied, ImportMode, RowErrors, UnreadableFile
from orders.import_files import ImportFiles
from orders.jobs import announce_products
from orders.metrics import IMPORT_ROWS
from orders.product_rows import FileContent, spool_rows
from orders.store import imports, staging
from shared.jobs import FinishedJob, JobCancelled, JobContext, JobFailed, JobType
from shared.jobs.types import FinishedHook
from shared.postgres import Connection

log = structlog.stdlib.get_logger(__name__)

NAME = "orders.import-products"

_PIECE = 1 << 20
_MEMORY_MB = 512
_READ, _STAGED, _CHECKED, _WRITTEN = 30, 45, 55, 98
"""Percent at which each part of the work is done."""


class ImportProducts(BaseModel):
    """The job's own id says which file."""


def import_job(files: ImportFiles) -> JobType[ImportProducts]:
    """The job type."""
    return JobType(
        NAME,
        partial(_handle, files),
        payload=ImportProducts,
        lease=timedelta(seconds=15),
        max_attempts=5,
        timeout=timedelta(hours=1),
        memory_limit=_MEMORY_MB,
        on_finished=forgets_file(files),
    )


async def _handle(files: ImportFiles, context: JobContext, _payload: ImportProducts) -> None:
    source, spool = files.path(context.job_id), files.spool(context.job_id, context.attempt)
    if await _is_applied(context):
        return
    if not await asyncio.to_thread(source.exists):
        raise JobFailed("The file was lost. Send it again.")
    await context.progress(1, "reading the file")
    try:
        content = await _read(context, source, spool)
    except UnreadableFile as error:
        raise JobFailed(error.reason) from error
    try:
        refused = await _import(context, content, spool)
    finally:
        spool.unlink(missing_ok=True)
    if refused is not None:
        async with context.database.transaction() as connection:
            await imports.set_found(connection, context.job_id, content.rows, refused)
        raise JobFailed(f"{refused.bad_rows} of {content.rows} rows are bad, so that no product was imported.")


async def _is_applied(context: JobContext) -> bool:
    async with context.database.acquire() as connection:
        found = await imports.find(connection, context.job_id)
    return found is None or found.applied_at is not None


async def _read(context: JobContext, source: Path, spool: Path) -> FileContent:
    reading = asyncio.ensure_future(context.run_in_process(spool_rows, source, spool))
    size = await asyncio.to_thread(_size, source)
    try:
        while not (await asyncio.wait({reading}, timeout=0.5))[0]:
            part = min(1.0, await asyncio.to_thread(_size, spool) / size)
            await context.progress(round(part * _READ), "reading the file")
        return reading.result()
    finally:
        reading.cancel()


async def _import(context: JobContext, content: FileContent, spool: Path) -> RowErrors | None:
    """Write the products; the errors when, by the mode, they stand in the way of all."""
    async with context.database.transaction() as connection:
        found = await imports.lock(connection, context.job_id)
        if found is None or found.applied_at is not None:
            return None
        await staging.stage(connection, content.columns, _pieces(context, spool))
        await context.progress(_STAGED, "checking the rows")
        errors = content.errors.and_also(await staging.remove_bad(connection))
        if errors.bad_rows and found.mode is ImportMode.ALL_OR_NOTHING:
            return errors
        await context.progress(_CHECKED, "writing the products")
        applied = await _write(context, connection, content)
        await imports.set_found(connection, context.job_id, content.rows, errors)
        await imports.set_applied(connection, context.job_id, applied)
        await announce_products.enqueue_announcing(connection)
        if not await imports.may_end(connection, context.job_id, context.attempt):
            raise JobCancelled
    for outcome, number in (("created", applied.created), ("updated", applied.updated), ("bad", errors.bad_rows)):
        IMPORT_ROWS.labels(outcome).inc(number)
    context.finish_with({"rows": content.rows, "bad_rows": errors.bad_rows, **asdict(applied)})
    log.info("products_imported", job_id=str(context.job_id), rows=content.rows, created=applied.created)
    return None


async def _pieces(context: JobContext, spool: Path) -> AsyncIterator[bytes]:
    size, sent = await asyncio.to_thread(_size, spool), 0
    with await asyncio.to_thread(spool.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
            sent += len(piece)
            await context.progress(_READ + round((_STAGED - _READ) * sent / size), "copying the rows")


def _size(path: Path) -> int:
    """Bytes, at least 1, of a file that may not be there yet."""
    return max(1, path.stat().st_size) if path.exists() else 1


async def _write(context: JobContext, connection: Connection, content: FileContent) -> Applied:
    created = updated = 0
    await staging.lock_known(connection)
    async for applied, part in staging.upsert(connection, content.columns):
        created, updated = created + applied.created, updated + applied.updated
        await context.progress(_CHECKED + round((_WRITTEN - _CHECKED) * part), f"{created + updated} products written")
    return Applied(created, updated)


def forgets_file(files: ImportFiles) -> FinishedHook:
    """What the end of an import does: its file is of no more use."""

    async def forget(_connection: Connection, job: FinishedJob) -> None:
        await asyncio.to_thread(files.remove, job.id)

    return forget
