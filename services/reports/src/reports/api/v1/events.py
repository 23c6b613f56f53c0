"""The progress of a report as server-sent events."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.responses import StreamingResponse

from reports import reporting
from reports.api.dependencies import Reader
from reports.domain.report import Report, ReportStatus
from reports.store import reports as store
from shared.postgres import Connection
from shared.web import EntityId, Resources, Transaction, get_resources
from shared.web.jobs import EVENT_RESPONSES, LastEvent, job_events

router = APIRouter(tags=["reports"])


@router.get(
    "/reports/{report_id}/events",
    response_class=StreamingResponse,
    summary="Watch a report being made",
    responses=EVENT_RESPONSES,
)
async def watch_report(
    report_id: EntityId,
    principal: Reader,
    connection: Transaction,
    resources: Annotated[Resources, Depends(get_resources)],
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """A stream of ``progress`` events, ended by ``done`` or ``failed``; ``Last-Event-ID`` resumes it."""
    report = await reporting.find_report(connection, principal, report_id)

    async def at_end(connection: Connection) -> LastEvent:
        return _last_event(await store.find(connection, report.id) or replace(report, status=ReportStatus.CANCELLED))

    return job_events(resources, report.job_id, last_event_id, at_end=at_end, ended=report.status.is_final)


def _last_event(report: Report) -> LastEvent:
    data = {"id": report.id, "status": report.status, "progress": report.progress, "error": report.error}
    return LastEvent("done" if report.status is ReportStatus.SUCCEEDED else "failed", data, report.sequence)
