"""Reports by the clock: what is asked for at each time, and about which period."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from reports.domain.report import ReportFormat, ReportType
from shared.problems import Conflict, NotFound

NOT_ADMIN = "Its owner is no admin any more."
OWNER_DISABLED = "The account of its owner is disabled."


class SchedulePeriod(StrEnum):
    """A period that goes along with the time of the run, in the schedule's time zone; weeks begin on Monday."""

    PREVIOUS_DAY = "previous_day"
    PREVIOUS_WEEK = "previous_week"
    PREVIOUS_MONTH = "previous_month"


@dataclass(frozen=True, slots=True)
class ReportSchedule:
    """A schedule as its owner sees it; ``next_run_at`` is null once it is disabled."""

    id: int
    user_id: int
    cron: str
    timezone: str
    type: ReportType
    format: ReportFormat
    params: dict[str, Any]
    period: SchedulePeriod | None
    everyone: bool
    notify: bool
    error: str | None
    disabled: bool
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_report_id: int | None
    created_at: datetime

    @property
    def name(self) -> str:
        """Its name among all that the clock starts."""
        return f"report-schedule-{self.id}"

    def params_at(self, moment: datetime) -> dict[str, Any]:
        """The params of the report for the run at ``moment``, however late it is made."""
        if self.period is None:
            return self.params
        start, end = _period(self.period, moment.astimezone(ZoneInfo(self.timezone)))
        return {**self.params, "from": _utc(start), "to": _utc(end)}


class ScheduleNotFound(NotFound):
    """There is no such schedule for this caller."""

    def __init__(self) -> None:
        super().__init__("report_schedule_not_found", "There is no such report schedule.")


class TooManySchedules(Conflict):
    """The caller has as many as one may have: that ends by deleting one."""

    def __init__(self, limit: int) -> None:
        super().__init__("too_many_report_schedules", f"There are {limit} report schedules already.")


def _period(period: SchedulePeriod, local: datetime) -> tuple[datetime, datetime]:
    # Of wall clocks: the day before a change of the clocks has 23 or 25 hours.
    today = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match period:
        case SchedulePeriod.PREVIOUS_DAY:
            return today - timedelta(days=1), today
        case SchedulePeriod.PREVIOUS_WEEK:
            monday = today - timedelta(days=today.weekday())
            return monday - timedelta(days=7), monday
        case SchedulePeriod.PREVIOUS_MONTH:
            first = today.replace(day=1)
            return (first - timedelta(days=1)).replace(day=1), first


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
