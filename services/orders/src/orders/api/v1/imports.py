"""Imports of products from a CSV file: sent by admins, watched, cancelled."""

import asyncio
import csv
import io
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from orders import importing
from orders.api.dependencies import CatalogueAdmin, Imports
from orders.domain.imports import Import, ImportMode, ImportNotFound, RowError
from orders.jobs.import_products import forgets_file
from orders.product_rows import read_columns
from orders.store import imports
from shared.jobs import JobState, find_job
from shared.problems import BadRequest, UnsupportedMediaType
from shared.web import Answer, Page, Paging, Resources, Transaction, get_resources, problem_responses
from shared.web.idempotency import idempotent_call
from shared.web.jobs import EVENT_RESPONSES, JobOut, job_events

_CSV_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_ERRORS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page of the errors; all of them as CSV by `Accept: text/csv`.", "content": {"text/csv": {}}}
}


class ImportOut(JobOut):
    """An import: its job, and what was found and done once that is known."""

    mode: ImportMode
    rows: int | None = Field(description="Rows of the file, without its first line.")
    bad_rows: int | None = Field(description="Rows that break a rule.")
    created: int | None
    updated: int | None

    @classmethod
    def of_import(cls, found: Import, job: JobState) -> Self:
        """The view of an import and its job."""
        return cls(
            **JobOut.of(job).model_dump(),
            mode=found.mode,
            rows=found.rows,
            bad_rows=found.bad_rows,
            created=found.created,
            updated=found.updated,
        )


class RowErrorOut(BaseModel):
    """What is wrong with a row of the file."""

    line: int = Field(description="Where the row begins in the file; the names of the columns are line 1.")
    field: str = Field(description="The column; empty where it is about the row as a whole.")
    message: str

    @classmethod
    def of(cls, error: RowError) -> Self:
        """The view of an error."""
        return cls(line=error.line, field=error.field, message=error.message)


def imports_router() -> APIRouter:
    """The routes of imports, the same in every version."""
    router = APIRouter(prefix="/products/imports", tags=["products"])

    @router.post(
        "",
        status_code=202,
        response_model=ImportOut,
        summary="Import products from a CSV file",
        openapi_extra=_CSV_BODY,
        responses=problem_responses(400, 401, 403, 409, 413, 415, 422),
    )
    async def import_products(
        *,
        request: Request,
        admin: CatalogueAdmin,
        own: Imports,
        resources: Annotated[Resources, Depends(get_resources)],
        mode: Annotated[ImportMode, Query(description="What becomes of the good rows beside bad ones.")] = (
            ImportMode.ALL_OR_NOTHING
        ),
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Take the file and queue its import, which `Location` names.

        UTF-8, with a first line of `sku,name,price,stock` and, as you like, `description` and `currency`, in
        any order. A known SKU is changed to what the file says, its stock too; a new one is added.
        """
        _require_csv(request)
        async with resources.database.acquire() as connection:
            await importing.check_room(connection, own.unfinished_limit)
        upload = uuid4()
        try:
            try:
                received = await own.files.receive(upload, request.stream())
            except ClientDisconnect:
                raise BadRequest("incomplete_body", "The file did not come whole.") from None
            await asyncio.to_thread(read_columns, own.files.path(upload))
            call = idempotent_call(request, admin, idempotency_key, f"{mode} {received.sha256}")

            async with resources.database.transaction() as connection:

                async def make() -> Answer:
                    job_id = await importing.request_import(
                        connection, admin, mode, received.size, unfinished_limit=own.unfinished_limit
                    )
                    await asyncio.to_thread(own.files.rename, upload, job_id)
                    view = ImportOut.of_import(*await _read(connection, job_id))
                    return Answer(202, view, {"Location": f"{request.url.path}/{job_id}"})

                return await call.run(connection, make)
        finally:
            await asyncio.to_thread(own.files.remove, upload)

    @router.get("/{import_id}", summary="See how an import stands", responses=problem_responses(401, 403, 404))
    async def read_import(import_id: UUID, _admin: CatalogueAdmin, connection: Transaction) -> ImportOut:
        return ImportOut.of_import(*await _read(connection, import_id))

    @router.get(
        "/{import_id}/events",
        response_class=StreamingResponse,
        summary="Watch an import",
        responses=EVENT_RESPONSES,
    )
    async def watch_import(
        import_id: UUID,
        _admin: CatalogueAdmin,
        connection: Transaction,
        resources: Annotated[Resources, Depends(get_resources)],
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> StreamingResponse:
        await importing.find_import(connection, import_id)
        return job_events(resources, import_id, last_event_id)

    @router.get(
        "/{import_id}/errors",
        response_model=Page[RowErrorOut],
        summary="List what is wrong with single rows",
        responses={**_ERRORS_RESPONSES, **problem_responses(401, 403, 404)},
    )
    async def list_import_errors(
        import_id: UUID, request: Request, _admin: CatalogueAdmin, connection: Transaction, paging: Paging
    ) -> Page[RowErrorOut] | Response:
        """The first 1,000 wrong fields by line; `bad_rows` of the import counts all bad rows."""
        await importing.find_import(connection, import_id)
        if "text/csv" in request.headers.get("accept", ""):
            errors, _ = await imports.errors_page(connection, import_id, limit=None, offset=0)
            return Response(_as_csv(errors), media_type="text/csv; charset=utf-8")
        errors, total = await imports.errors_page(connection, import_id, limit=paging.page_size, offset=paging.offset)
        return Page.of([RowErrorOut.of(error) for error in errors], total, paging)

    @router.delete(
        "/{import_id}",
        status_code=204,
        summary="Cancel an import that is not finished",
        responses=problem_responses(401, 403, 404, 409),
    )
    async def cancel_import(import_id: UUID, _admin: CatalogueAdmin, own: Imports, connection: Transaction) -> None:
        """Nothing of it is written then, in either mode."""
        await importing.cancel_import(connection, import_id, forgets_file(own.files))

    return router


async def _read(connection: Any, import_id: UUID) -> tuple[Import, JobState]:
    found, job = await importing.find_import(connection, import_id), await find_job(connection, import_id)
    if job is None:
        raise ImportNotFound
    return found, job


def _require_csv(request: Request) -> None:
    media_type, *parameters = request.headers.get("content-type", "").lower().split(";")
    charsets = [text.partition("=")[2].strip(' "') for text in parameters if text.strip().startswith("charset=")]
    if media_type.strip() != "text/csv" or any(charset not in ("utf-8", "utf8", "us-ascii") for charset in charsets):
        raise UnsupportedMediaType("unsupported_media_type", "The body must be text/csv in UTF-8.")


def _as_csv(errors: list[RowError]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("line", "field", "message"))
    writer.writerows((error.line, error.field, error.message) for error in errors)
    return buffer.getvalue()
