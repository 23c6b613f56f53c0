"""The tables ``product_imports`` and ``product_import_errors``."""

from typing import Any
from uuid import UUID

import asyncpg

from orders.domain.imports import MOST_ERRORS, Applied, Import, ImportMode, RowError, RowErrors
from shared.postgres import Connection

_INSERT = "INSERT INTO product_imports (job_id, requested_by, mode, file_size) VALUES ($1, $2, $3, $4)"
_FIND = """
SELECT job_id, mode, file_size, rows, bad_rows, created, updated, applied_at FROM product_imports WHERE job_id = $1
"""
_LOCK = """
SELECT job_id, mode, file_size, rows, bad_rows, created, updated, applied_at FROM product_imports WHERE job_id = $1
FOR UPDATE
"""
_UNFINISHED = """
SELECT count(*) FROM product_imports JOIN jobs ON jobs.id = job_id WHERE jobs.finished_at IS NULL
"""
_KNOWN = """
SELECT job_id FROM product_imports JOIN jobs ON jobs.id = job_id
WHERE job_id = ANY ($1::uuid[]) AND jobs.finished_at IS NULL
"""
_SET_FOUND = "UPDATE product_imports SET rows = $2, bad_rows = $3 WHERE job_id = $1"
_SET_APPLIED = """
UPDATE product_imports SET created = $2, updated = $3, applied_at = clock_timestamp() WHERE job_id = $1
"""
_FORGET_ERRORS = "DELETE FROM product_import_errors WHERE job_id = $1"
_INSERT_ERRORS = """
INSERT INTO product_import_errors (job_id, position, line, field, message)
SELECT $1, position, line, field, message
FROM unnest($2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY AS told (line, field, message, position)
"""
_ERRORS = """
SELECT line, field, message FROM product_import_errors WHERE job_id = $1 ORDER BY position LIMIT $2 OFFSET $3
"""
_COUNT_ERRORS = "SELECT count(*) FROM product_import_errors WHERE job_id = $1"
# The lock makes who cancels wait for the commit, and then see what it wrote.
_MAY_END = """
SELECT NOT cancel_requested FROM jobs WHERE id = $1 AND attempt = $2 AND status = 'running' FOR SHARE
"""


async def insert(connection: Connection, job_id: UUID, requested_by: str, mode: ImportMode, file_size: int) -> None:
    """Write a new import beside its job."""
    await connection.execute(_INSERT, job_id, requested_by, mode.value, file_size)


async def find(connection: Connection, job_id: UUID) -> Import | None:
    """The import."""
    return _import(await connection.fetchrow(_FIND, job_id))


async def lock(connection: Connection, job_id: UUID) -> Import | None:
    """The import, for this transaction alone: another attempt at it waits."""
    return _import(await connection.fetchrow(_LOCK, job_id))


async def count_unfinished(connection: Connection) -> int:
    """How many imports wait or run."""
    return await connection.fetchval(_UNFINISHED)


async def unfinished_of(connection: Connection, job_ids: list[UUID]) -> set[UUID]:
    """Which of these are imports that are not finished."""
    return {row["job_id"] for row in await connection.fetch(_KNOWN, job_ids)}


async def set_found(connection: Connection, job_id: UUID, rows: int, errors: RowErrors) -> None:
    """Write what was found in the file, in place of what an earlier attempt found."""
    await connection.execute(_SET_FOUND, job_id, rows, errors.bad_rows)
    await connection.execute(_FORGET_ERRORS, job_id)
    kept = errors.kept[:MOST_ERRORS]
    values = [error.line for error in kept], [error.field for error in kept], [error.message for error in kept]
    await connection.execute(_INSERT_ERRORS, job_id, *values)


async def set_applied(connection: Connection, job_id: UUID, applied: Applied) -> None:
    """Note, in the transaction that writes the products, that they are written."""
    await connection.execute(_SET_APPLIED, job_id, applied.created, applied.updated)


async def may_end(connection: Connection, job_id: UUID, attempt: int) -> bool:
    """Whether the job is still this attempt's and nobody asked for its end; so until the transaction ends."""
    return await connection.fetchval(_MAY_END, job_id, attempt) is True


async def errors_page(
    connection: Connection, job_id: UUID, *, limit: int | None, offset: int
) -> tuple[list[RowError], int]:
    """The kept errors by line, and how many are kept."""
    rows = await connection.fetch(_ERRORS, job_id, limit, offset)
    total: int = await connection.fetchval(_COUNT_ERRORS, job_id)
    return [RowError(**row) for row in rows], total


def _import(row: asyncpg.Record | None) -> Import | None:
    if row is None:
        return None
    values: dict[str, Any] = {**row, "mode": ImportMode(row["mode"])}
    return Import(**values)
