"""Ask for reports, see how they stand, delete them."""

from fastapi import APIRouter, Request, Response

from reports import reporting
from reports.api.dependencies import Own, Reader, Writer
from reports.api.v1.schemas import ReportRequest, ReportView
from reports.store import reports as store
from shared.web import (
    NOT_MODIFIED,
    Answer,
    EntityId,
    Idempotency,
    Page,
    Paging,
    Transaction,
    check_if_match,
    etag,
    problem_responses,
    unless_known,
)

router = APIRouter(tags=["reports"])

_FRESH = {"Cache-Control": "private, no-cache"}


@router.post(
    "/reports",
    status_code=202,
    response_model=ReportView,
    summary="Ask for a report",
    responses=problem_responses(401, 403, 409, 422),
)
async def request_report(
    *,
    request: Request,
    body: ReportRequest,
    principal: Writer,
    connection: Transaction,
    idempotency: Idempotency,
    own: Own,
) -> Response:
    """Queue a report. ``Location`` names it; watch ``/events`` below it, then fetch ``/content``.

    ``sales``, and ``params.all``, are for admins. An admin's ``order_summary`` is about all orders.
    """

    async def make() -> Answer:
        report = await reporting.request_report(
            connection,
            principal,
            report_type=body.type,
            report_format=body.format,
            params=body.stored_params(),
            unfinished_limit=own.unfinished_limit,
            files_megabytes=own.files_megabytes,
            notify=body.notify,
        )
        return Answer(202, ReportView.of(report), {"Location": f"{request.url.path}/{report.id}"})

    return await idempotency.run(connection, make)


@router.get("/reports", summary="List your reports", responses=problem_responses(401, 403, 422))
async def list_reports(principal: Reader, connection: Transaction, paging: Paging) -> Page[ReportView]:
    """The caller's reports, the newest first."""
    found = await store.page(connection, principal.user_id, paging.page_size, paging.offset)
    total = await store.count(connection, principal.user_id)
    return Page.of([ReportView.of(report) for report in found], total, paging)


@router.get(
    "/reports/{report_id}",
    response_model=ReportView,
    summary="See how a report stands",
    responses={**NOT_MODIFIED, **problem_responses(401, 403, 404, 422)},
)
async def get_report(
    report_id: EntityId, request: Request, response: Response, principal: Reader, connection: Transaction
) -> ReportView | Response:
    """The report with the progress of its making; its ETag changes with the progress too."""
    report = await reporting.find_report(connection, principal, report_id)
    return unless_known(request, response, etag(report.state), ReportView.of(report), _FRESH)


@router.delete(
    "/reports/{report_id}",
    status_code=204,
    summary="Cancel a report that is not finished, delete one that is",
    responses=problem_responses(401, 403, 404, 412, 422, 503),
)
async def delete_report(
    report_id: EntityId, request: Request, principal: Writer, connection: Transaction, own: Own
) -> None:
    """A report that is not finished becomes ``cancelled``; any other goes, with its file."""
    await reporting.delete_report(
        connection,
        own.files,
        principal,
        report_id,
        precondition=lambda report: check_if_match(request, etag(report.state)),
    )
