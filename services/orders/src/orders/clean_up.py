"""What becomes of files of products that nobody will import: of uploads and of workers that were killed."""

import asyncio

from orders.import_files import ImportFiles
from orders.store import imports
from shared.postgres import Connection


async def delete_leftover_files(files: ImportFiles, connection: Connection, limit: int) -> int:
    """Delete what is older than a day and of no unfinished import, of ``limit`` uploads at most; how many."""
    leftovers = await asyncio.to_thread(files.leftovers)
    unfinished = await imports.unfinished_of(connection, leftovers)
    unwanted = [name for name in leftovers if name not in unfinished][:limit]
    for name in unwanted:
        await asyncio.to_thread(files.remove, name)
    return len(unwanted)
