"""Which period a scheduled report is about, whatever the clocks do."""

from datetime import UTC, datetime

import pytest

from reports.domain.period import read_period
from reports.domain.report import ReportFormat, ReportType
from reports.domain.report_schedule import ReportSchedule, SchedulePeriod


def schedule(period: SchedulePeriod | None, timezone: str = "UTC", **params: str) -> ReportSchedule:
    return ReportSchedule(
        id=7,
        user_id=1,
        cron="0 7 * * *",
        timezone=timezone,
        type=ReportType.SALES,
        format=ReportFormat.PDF,
        params=params,
        period=period,
        everyone=True,
        notify=True,
        error=None,
        disabled=False,
        next_run_at=None,
        last_run_at=None,
        last_report_id=None,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("period", "zone", "moment", "start", "end"),
    [
        ("previous_day", "UTC", "2026-03-01T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("previous_day", "Europe/Berlin", "2026-06-10T05:00:00Z", "2026-06-08T22:00:00Z", "2026-06-09T22:00:00Z"),
        # The day that the clocks go forward has 23 hours, the one that they go back 25.
        ("previous_day", "Europe/Berlin", "2026-03-30T05:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("previous_day", "Europe/Berlin", "2026-10-26T06:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("previous_day", "America/New_York", "2026-06-10T03:00:00Z", "2026-06-08T04:00:00Z", "2026-06-09T04:00:00Z"),
        ("previous_week", "UTC", "2026-03-04T07:00:00Z", "2026-02-23T00:00:00Z", "2026-03-02T00:00:00Z"),
        ("previous_week", "UTC", "2026-03-02T00:00:00Z", "2026-02-23T00:00:00Z", "2026-03-02T00:00:00Z"),
        ("previous_month", "UTC", "2026-01-01T00:00:00Z", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("previous_month", "UTC", "2028-03-31T07:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
    ],
)
def test_the_period_ends_with_the_last_midnight_monday_or_first(
    period: str, zone: str, moment: str, start: str, end: str
):
    params = schedule(SchedulePeriod(period), zone).params_at(datetime.fromisoformat(moment))
    assert params == {"from": start, "to": end}
    assert read_period(params["from"], params["to"])


def test_without_a_period_the_params_stay():
    params = schedule(None, **{"from": "2026-01-01"}).params_at(datetime(2026, 5, 1, tzinfo=UTC))
    assert params == {"from": "2026-01-01"}
