"""The job that removes files of products that nobody will import: of uploads and of workers that were killed."""

import asyncio
from functools import partial

from pydantic import BaseModel

from orders.import_files import ImportFiles
from orders.store import imports
from shared.jobs import JobContext, JobType

NAME = "orders.clear-imports"


class ClearImports(BaseModel):
    """All that are older than a day."""


def clear_job(files: ImportFiles) -> JobType[ClearImports]:
    """The job type."""
    return JobType(NAME, partial(_handle, files), payload=ClearImports, max_attempts=1)


async def _handle(files: ImportFiles, context: JobContext, _payload: ClearImports) -> None:
    leftovers = await asyncio.to_thread(files.leftovers)
    async with context.database.acquire() as connection:
        wanted = await imports.unfinished_of(connection, leftovers)
    for name in leftovers:
        await context.check_cancelled()
        if name not in wanted:
            await asyncio.to_thread(files.remove, name)
