"""The progress of a report as server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Header
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from reports import reporting
from reports.api.dependencies import Reader
from reports.domain.report import Report, ReportStatus
from reports.store import reports as store
from shared.jobs import JobNotFound, JobProgress, watch_progress
from shared.web import EntityId, Resources, Transaction, get_resources, problem_responses

router = APIRouter(tags=["reports"])

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
HEARTBEAT_SECONDS = 10.0
_RETRY_MILLISECONDS = 1000
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get(
    "/reports/{report_id}/events",
    response_class=StreamingResponse,
    summary="Watch a report being made",
    responses={
        200: {"description": "Events `progress`, at last `done` or `failed`.", "content": {"text/event-stream": {}}},
        **problem_responses(401, 403, 404, 422),
    },
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
    after = int(last_event_id) if last_event_id and _NUMBER.fullmatch(last_event_id) else None
    return StreamingResponse(_stream(resources, report, after), media_type="text/event-stream", headers=_HEADERS)


async def _stream(resources: Resources, report: Report, after: int | None) -> AsyncIterator[bytes]:
    yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
    if not report.status.is_final:
        async for chunk in _until_final(resources, report, after):
            yield chunk
        if resources.draining.is_set():
            return  # the client comes back with Last-Event-ID, to another instance or after the restart
        async with resources.database.acquire() as connection:
            report = await store.find(connection, report.id) or replace(report, status=ReportStatus.CANCELLED)
    yield _last_event(report)


async def _until_final(resources: Resources, report: Report, after: int | None) -> AsyncIterator[bytes]:
    """Progress and heartbeats until the job ends or the server drains."""
    updates = watch_progress(resources.redis, resources.database, report.job_id, after)
    draining = asyncio.create_task(resources.draining.wait())
    upcoming = asyncio.ensure_future(anext(updates, None))
    try:
        while True:
            await asyncio.wait({upcoming, draining}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if draining.done():
                return
            if not upcoming.done():
                yield b": still here\n\n"
                continue
            update = _result(upcoming)
            if update is None or update.status.is_final:
                return
            yield _progress_event(update)
            upcoming = asyncio.ensure_future(anext(updates, None))
    finally:
        draining.cancel()
        upcoming.cancel()
        await asyncio.gather(draining, upcoming, return_exceptions=True)
        await updates.aclose()


def _result(upcoming: "asyncio.Future[JobProgress | None]") -> JobProgress | None:
    try:
        return upcoming.result()
    except JobNotFound:
        return None  # the report was deleted and its job forgotten


def _progress_event(update: JobProgress) -> bytes:
    data = {"status": update.status, "progress": update.percent, "message": update.message}
    return format_sse_event(event="progress", data_str=orjson.dumps(data).decode(), id=str(update.sequence))


def _last_event(report: Report) -> bytes:
    succeeded = report.status is ReportStatus.SUCCEEDED
    data = {"id": report.id, "status": report.status, "progress": report.progress, "error": report.error}
    return format_sse_event(
        event="done" if succeeded else "failed", data_str=orjson.dumps(data).decode(), id=str(report.sequence)
    )
