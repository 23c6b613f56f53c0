"""The file of a report, with ranges and conditions (RFC 9110 sections 13 and 14)."""

from fastapi import APIRouter, Request, Response

from reports import reporting
from reports.api.v1.byte_ranges import RangedFileResponse, satisfiable
from reports.domain.report import Report
from reports.resources import Own, Reader
from shared.web import EntityId, PreconditionFailed, Transaction, problem_responses

router = APIRouter()

_RESPONSES = {
    200: {
        "description": "The file.",
        "content": {kind: {} for kind in ("application/pdf", "text/csv", "application/json")},
    },
    206: {"description": "The ranges of it that were asked for."},
    304: {"description": "Not changed"},
}


@router.get(
    "/reports/{report_id}/content",
    response_class=Response,
    summary="Download a report",
    responses={**_RESPONSES, **problem_responses(401, 403, 404, 409, 410, 412, 416, 422)},
)
async def download_report(
    report_id: EntityId, request: Request, principal: Reader, connection: Transaction, own: Own
) -> Response:
    """The finished file; ``report_not_ready`` before, ``report_file_gone`` when it was lost."""
    report = await reporting.find_report(connection, principal, report_id)
    path, file = await reporting.find_content(own.files, report)
    tag = f'"{file.sha256}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if _misses(request.headers.get("if-match"), tag):
        raise PreconditionFailed("version_mismatch", "The file is another than If-Match names.")
    if _names(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    # If-Range by date is never true: the tag is the validator, and the whole file is always right.
    ranged = request.headers.get("if-range", tag) == tag
    return RangedFileResponse(
        ranges=satisfiable(request.headers.get("range"), file.size) if ranged else None,
        path=str(path),
        headers={**headers, "Content-Disposition": f'attachment; filename="{_file_name(report)}"'},
        media_type=report.format.media_type,
    )


def _file_name(report: Report) -> str:
    return f"{report.type}-{report.id}.{report.format}"


def _misses(if_match: str | None, tag: str) -> bool:
    """Whether If-Match is there and does not name the tag, by strong comparison."""
    return if_match is not None and if_match.strip() != "*" and tag not in _tags(if_match)


def _names(if_none_match: str | None, tag: str) -> bool:
    """Whether If-None-Match is there and names the tag, by weak comparison."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in {found.removeprefix("W/") for found in _tags(if_none_match)}


def _tags(header: str) -> set[str]:
    return {found.strip() for found in header.split(",")}
