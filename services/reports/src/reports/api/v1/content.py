"""The file of a report, with ranges and conditions (RFC 9110 sections 13 and 14)."""

from functools import partial

from fastapi import APIRouter, Request, Response

from reports import reporting
from reports.api.dependencies import Own, Reader
from reports.api.v1.byte_ranges import satisfiable
from reports.api.v1.ranged_answer import ranged_answer
from reports.domain.report import Report
from shared.web import NOT_MODIFIED, EntityId, Transaction, check_if_match, etag, not_modified, problem_responses

router = APIRouter(tags=["reports"])

_FRESH = {"Cache-Control": "private, no-cache"}
_RESPONSES = {
    200: {
        "description": "The file.",
        "content": {kind: {} for kind in ("application/pdf", "text/csv", "application/json")},
    },
    206: {"description": "The ranges of it that were asked for."},
    **NOT_MODIFIED,
}


@router.get(
    "/reports/{report_id}/content",
    response_class=Response,
    summary="Download a report",
    responses={**_RESPONSES, **problem_responses(401, 403, 404, 409, 410, 412, 416, 422, 503)},
)
async def download_report(
    report_id: EntityId, request: Request, principal: Reader, connection: Transaction, own: Own
) -> Response:
    """The finished file; ``report_not_ready`` before, ``report_file_gone`` when it was lost.

    ``report_store_unavailable`` while the store of the files is away: ask again.
    """
    report = await reporting.find_report(connection, principal, report_id)
    file = await reporting.find_content(own.files, report)
    tag = etag(file.sha256)
    check_if_match(request, tag)
    unchanged = not_modified(request, tag, _FRESH)
    if unchanged is not None:
        return unchanged
    # If-Range by date is never true: the tag is the validator, and the whole file is always right.
    ranged = request.headers.get("if-range", tag) == tag
    return ranged_answer(
        satisfiable(request.headers.get("range"), file.size) if ranged else None,
        file.size,
        partial(own.files.read, report.id, file.name),
        headers={"ETag": tag, **_FRESH, "Content-Disposition": f'attachment; filename="{_file_name(report)}"'},
        media_type=report.format.media_type,
    )


def _file_name(report: Report) -> str:
    return f"{report.type}-{report.id}.{report.format}"
