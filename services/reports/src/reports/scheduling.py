"""Schedules of reports from asking to running: what endpoints, jobs and event handlers do with them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reports import reporting
from reports.domain.report import ReportFormat, ReportType, TooManyFiles, TooManyReports, covers_everyone
from reports.domain.report_schedule import (
    NOT_ADMIN,
    OWNER_DISABLED,
    ReportSchedule,
    ScheduleNotFound,
    SchedulePeriod,
    TooManySchedules,
)
from reports.metrics import SCHEDULED
from reports.store import departed
from reports.store import report_schedules as store
from reports.store import reports as reports_store
from shared import schedules
from shared.identity import Principal
from shared.postgres import Connection
from shared.problems import Forbidden
from shared.schedules import Schedule

JOB = "reports.scheduled"
"""The job type that a schedule starts: ``jobs/scheduled.py``."""


async def add_schedule(
    connection: Connection,
    principal: Principal,
    *,
    cron: str,
    timezone: str,
    report_type: ReportType,
    report_format: ReportFormat,
    params: Mapping[str, Any],
    period: SchedulePeriod | None,
    notify: bool,
    limit: int,
) -> ReportSchedule:
    """Write a schedule and set the clock, in the caller's transaction.

    Raises NotAboutAll, Forbidden for a caller who is no user (any more), TooManySchedules, and InvalidCron.
    """
    everyone = covers_everyone(report_type, is_admin=principal.is_admin, asked_for_all=params.get("all") is True)
    if principal.user_id == 0:
        raise Forbidden("forbidden", "Reports belong to users, and a service is none.")
    if await departed.is_deleted(connection, principal.user_id):
        raise Forbidden("forbidden", "Reports belong to users, and this one was deleted.")
    if await store.lock_user_and_count(connection, principal.user_id) >= limit:
        raise TooManySchedules(limit)
    schedule_id = await store.insert(
        connection,
        user_id=principal.user_id,
        cron=cron,
        timezone=timezone,
        report_type=report_type,
        report_format=report_format,
        params=params,
        period=period,
        everyone=everyone,
        notify=notify,
    )
    schedule = await find_schedule(connection, principal, schedule_id)
    # Of runs that nobody was there for the last is made up: its report is about its own time.
    clock = Schedule(schedule.name, cron, timezone, JOB, {"schedule_id": schedule_id}, missed="once")
    await schedules.upsert(connection, clock, owner=_owner(principal.user_id))
    return await find_schedule(connection, principal, schedule_id)


async def find_schedule(connection: Connection, principal: Principal, schedule_id: int) -> ReportSchedule:
    """The caller's schedule. Raises ScheduleNotFound, for another's too."""
    schedule = await store.find(connection, schedule_id)
    if schedule is None or schedule.user_id != principal.user_id:
        raise ScheduleNotFound
    return schedule


async def delete_schedule(connection: Connection, principal: Principal, schedule_id: int) -> None:
    """Forget a schedule of the caller; reports that it made stay. Raises ScheduleNotFound."""
    schedule = await find_schedule(connection, principal, schedule_id)
    await schedules.delete(connection, schedule.name, owner=_owner(schedule.user_id))
    await store.delete(connection, schedule.id)


async def delete_all_of(connection: Connection, user_id: int) -> None:
    """Forget all schedules of a user who is deleted."""
    await schedules.delete_all_of(connection, _owner(user_id))
    await store.delete_all_of(connection, user_id)


async def run(
    connection: Connection,
    schedule_id: int,
    scheduled_for: datetime,
    *,
    unfinished_limit: int,
    files_megabytes: int,
) -> None:
    """Ask for the report of one time, in its owner's name and with the rights that the owner has now.

    A time that has its report already, and a schedule that is gone, are nothing to do.
    """
    schedule = await store.lock(connection, schedule_id)
    if schedule is None or schedule.disabled:
        return
    if await reports_store.of_schedule(connection, schedule_id, scheduled_for) is not None:
        return
    if await store.owner_is_disabled(connection, schedule.user_id):
        await store.note_run(connection, schedule_id, scheduled_for, None, OWNER_DISABLED, disable=False)
        SCHEDULED.labels("owner_disabled").inc()
        return
    role = await store.role_of_owner(connection, schedule.user_id)
    if schedule.everyone and role != "admin":
        await schedules.delete(connection, schedule.name, owner=_owner(schedule.user_id))
        await store.note_run(connection, schedule_id, scheduled_for, None, NOT_ADMIN, disable=True)
        SCHEDULED.labels("disabled").inc()
        return
    owner = Principal(str(schedule.user_id), role or "user", "free", frozenset({"reports:write"}), schedule.name)
    try:
        report = await reporting.request_report(
            connection,
            owner,
            report_type=schedule.type,
            report_format=schedule.format,
            params=schedule.params_at(scheduled_for),
            unfinished_limit=unfinished_limit,
            files_megabytes=files_megabytes,
            everyone=schedule.everyone,
            notify=schedule.notify,
            schedule=(schedule_id, scheduled_for),
        )
    except (TooManyReports, TooManyFiles) as error:
        await store.note_run(connection, schedule_id, scheduled_for, None, error.detail, disable=False)
        SCHEDULED.labels("too_many").inc()
        return
    await store.note_run(connection, schedule_id, scheduled_for, report.id, None, disable=False)
    SCHEDULED.labels("requested").inc()


def _owner(user_id: int) -> str:
    return f"users/{user_id}"
