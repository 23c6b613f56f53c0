"""The job that makes a report: collect, plot, render, store; then the end, in one transaction."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from pydantic import BaseModel

from reports import events
from reports.collecting import collect
from reports.domain.report import Report, ReportFormat, ReportStatus, StoredFile
from reports.files.store import ReportFiles, StoreUnavailable
from reports.jobs import ready_mail
from reports.rendering.finished_file import draw, render
from reports.store import reports as store
from shared.jobs import FinishedJob, JobContext, JobStatus, JobType, enqueue
from shared.messaging.backoff import Backoff
from shared.postgres import Connection

log = structlog.stdlib.get_logger(__name__)

NAME = "reports.render"
FAILED = "The report could not be made."


class RenderReport(BaseModel):
    """Which report to make."""

    report_id: int


def render_job(files: ReportFiles, *, pdf_rows: int, lease_seconds: int = 15) -> JobType[RenderReport]:
    """The job type; ``pdf_rows`` bounds the rows of one table in a PDF.

    A worker that says nothing for ``lease_seconds`` is taken for dead, and another makes the report anew.
    """
    return JobType(
        NAME,
        partial(_handle, files, pdf_rows),
        payload=RenderReport,
        lease=timedelta(seconds=lease_seconds),
        max_attempts=3,
        timeout=timedelta(minutes=5),
        on_finished=partial(_on_finished, files),
    )


async def _handle(files: ReportFiles, pdf_rows: int, context: JobContext, payload: RenderReport) -> None:
    async with context.database.acquire() as connection:
        report = await store.find(connection, payload.report_id)
    if report is None:
        return  # deleted while it waited
    file = await _make(files, pdf_rows, context, report)
    async with context.database.transaction() as connection:
        await store.set_file(connection, report.id, file)


async def _make(files: ReportFiles, pdf_rows: int, context: JobContext, report: Report) -> StoredFile:
    workshop = await files.workshop(report.id, context.attempt)
    document = await collect(context, report, workshop.spool)
    if report.format is ReportFormat.PDF:
        await context.progress(45, "plotting")
        await context.run_in_process(draw, document, workshop)
    await context.progress(60, "rendering")
    size, sha256 = await context.run_in_process(render, document, report.format, workshop, pdf_rows)
    await context.progress(90, "storing")
    return StoredFile(await _stored(files, workshop.made, context.attempt, report), size, sha256)


async def _stored(files: ReportFiles, made: Path, attempt: int, report: Report) -> str:
    """Keep what was made, trying until the attempt's time is up: making it again would cost more than waiting."""
    backoff = Backoff(first=0.5, most=15.0)
    while True:
        try:
            return await files.store(made, report.id, attempt, report.format)
        except StoreUnavailable:
            await asyncio.sleep(backoff.next())


async def _on_finished(files: ReportFiles, connection: Connection, job: FinishedJob) -> None:
    report_id = RenderReport.model_validate(job.payload).report_id
    error = FAILED if job.status is JobStatus.FAILED else None
    report = await store.finish(connection, report_id, ReportStatus(job.status.value), error)
    if report is not None:
        await events.say_ended(connection, report)
        if report.notify and report.status is not ReportStatus.CANCELLED:
            await enqueue(connection, ready_mail.NAME, ready_mail.ReadyMail(report_id=report_id))
    # A report that was deleted meanwhile leaves nothing.
    keep = report.file.name if report and report.file and report.status is ReportStatus.SUCCEEDED else None
    try:
        await files.clear_up(report_id, keep)
    except StoreUnavailable:
        # The end is told all the same; what is left goes with the report, or as a leftover of none (clean_up.py).
        log.warning("report_not_cleared_up", report_id=report_id)
