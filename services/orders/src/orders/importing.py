"""Imports of products: asked for, seen, cancelled. The work itself is ``jobs/import_products.py``."""

from uuid import UUID

from orders.domain.imports import Import, ImportFinished, ImportMode, ImportNotFound, TooManyImports
from orders.jobs.import_products import NAME, ImportProducts
from orders.store import imports
from shared.identity import Principal
from shared.jobs import enqueue, request_cancel
from shared.jobs.types import FinishedHook
from shared.postgres import Connection


async def request_import(
    connection: Connection, principal: Principal, mode: ImportMode, file_size: int, *, unfinished_limit: int
) -> UUID:
    """Queue the import of a file that was received; its job's id is the name the file shall have.

    Raises TooManyImports.
    """
    await check_room(connection, unfinished_limit)
    job_id = await enqueue(connection, NAME, ImportProducts())
    await imports.insert(connection, job_id, principal.subject, mode, file_size)
    return job_id


async def check_room(connection: Connection, unfinished_limit: int) -> None:
    """Raise TooManyImports when as many are unfinished as may be."""
    if await imports.count_unfinished(connection) >= unfinished_limit:
        raise TooManyImports


async def find_import(connection: Connection, job_id: UUID) -> Import:
    """The import. Raises ImportNotFound."""
    found = await imports.find(connection, job_id)
    if found is None:
        raise ImportNotFound
    return found


async def cancel_import(connection: Connection, job_id: UUID, on_finished: FinishedHook) -> None:
    """Ask for the end of an import, after which none of its products is written.

    Raises ImportNotFound, and ImportFinished when its products are written or it is finished: the
    caller's transaction then rolls the request back.
    """
    await find_import(connection, job_id)
    asked = await request_cancel(connection, job_id, on_finished=on_finished)
    # Who writes holds the job's row at its end: by now its commit is seen, or it will see our request.
    if not asked or (await find_import(connection, job_id)).applied_at is not None:
        raise ImportFinished
