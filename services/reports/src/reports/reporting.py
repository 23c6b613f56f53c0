"""Reports from asking to deleting: what endpoints and event handlers do with them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from reports import events
from reports.domain.report import (
    Report,
    ReportFileGone,
    ReportFormat,
    ReportNotFound,
    ReportNotReady,
    ReportStatus,
    ReportType,
    StoredFile,
    TooManyFiles,
    TooManyReports,
    covers_everyone,
)
from reports.files.store import ReportFiles
from reports.jobs import render
from reports.store import departed
from reports.store import reports as store
from shared.identity import Principal
from shared.jobs import enqueue, request_cancel
from shared.postgres import Connection
from shared.problems import Forbidden

_MEGABYTE = 1_000_000

Precondition = Callable[[Report], None]
"""Raises when the report is not in the state that the caller's condition names (If-Match)."""


async def request_report(
    connection: Connection,
    principal: Principal,
    *,
    report_type: ReportType,
    report_format: ReportFormat,
    params: Mapping[str, Any],
    unfinished_limit: int,
    files_megabytes: int,
    everyone: bool | None = None,
    notify: bool = False,
    schedule: tuple[int, datetime] | None = None,
) -> Report:
    """Write a report and the job that makes it, in the caller's transaction.

    ``everyone`` is by default what the caller's role reaches; ``schedule`` is the one, and its time, that asks.
    Raises NotAboutAll, Forbidden for a caller who is no user (any more), TooManyReports, and TooManyFiles.
    """
    if everyone is None:
        everyone = covers_everyone(report_type, is_admin=principal.is_admin, asked_for_all=params.get("all") is True)
    if principal.user_id == 0:
        raise Forbidden("forbidden", "Reports belong to users, and a service is none.")
    if await departed.is_deleted(connection, principal.user_id):
        raise Forbidden("forbidden", "Reports belong to users, and this one was deleted.")
    if await store.lock_user_and_count_unfinished(connection, principal.user_id) >= unfinished_limit:
        raise TooManyReports(unfinished_limit)
    if await store.bytes_of_user(connection, principal.user_id) >= files_megabytes * _MEGABYTE:
        raise TooManyFiles(files_megabytes)
    report_id = await store.insert(
        connection,
        user_id=principal.user_id,
        report_type=report_type,
        report_format=report_format,
        params=params,
        everyone=everyone,
        notify=notify,
        schedule=schedule,
    )
    job_id = await enqueue(connection, render.NAME, render.RenderReport(report_id=report_id))
    await store.set_job(connection, report_id, job_id)
    report = await find_report(connection, principal, report_id)
    await events.say_requested(connection, report)
    return report


async def find_report(connection: Connection, principal: Principal, report_id: int) -> Report:
    """The caller's report. Raises ReportNotFound, for another's too."""
    report = await store.find(connection, report_id)
    if report is None or report.user_id != principal.user_id:
        raise ReportNotFound
    return report


async def find_content(files: ReportFiles, report: Report) -> StoredFile:
    """The file of a report. Raises ReportNotReady, ReportFileGone when it was lost, and StoreUnavailable."""
    if report.status is not ReportStatus.SUCCEEDED or report.file is None:
        raise ReportNotReady(report.status)
    if not await files.exists(report.id, report.file.name):
        raise ReportFileGone
    return report.file


async def delete_report(
    connection: Connection, files: ReportFiles, principal: Principal, report_id: int, *, precondition: Precondition
) -> None:
    """Cancel a report of the caller that is not finished; forget one that is, with its file.

    A cancelled one stays to be seen as such, and is forgotten by deleting it again. Raises
    ReportNotFound, and what ``precondition`` raises.
    """
    report = await store.lock(connection, await find_report(connection, principal, report_id))
    if report is None:
        raise ReportNotFound
    precondition(report)
    if report.finished_at is None:
        await _cancel(connection, report)
    else:
        await _forget(connection, files, report)


async def delete_all_of(files: ReportFiles, connection: Connection, user_id: int) -> None:
    """Forget all reports of a user who is deleted."""
    for report in await store.of_user(connection, user_id):
        locked = await store.lock(connection, report)
        if locked is None:
            continue
        if locked.finished_at is None:
            await _cancel(connection, locked)
        await _forget(connection, files, locked)


async def _cancel(connection: Connection, report: Report) -> None:
    await request_cancel(connection, report.job_id)
    cancelled = await store.finish(connection, report.id, ReportStatus.CANCELLED, None)
    if cancelled is not None:
        await events.say_ended(connection, cancelled)


async def _forget(connection: Connection, files: ReportFiles, report: Report) -> None:
    await store.delete(connection, report.id)
    # Who still makes it clears up at its end. Files go before the commit: when that fails the row is
    # still there and can be deleted again, while a file without a row would stay for ever.
    if report.status is not ReportStatus.RUNNING:
        await files.clear_up(report.id, None)
