"""Bodies of report schedules."""

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, Field, StrictBool, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from reports.api.v1.schemas import ReportParams
from reports.domain.report import ReportFormat, ReportType
from reports.domain.report_schedule import ReportSchedule, SchedulePeriod
from shared.schedules import InvalidCron, next_fire
from shared.web import RequestBody

_CRON = "Five fields as Debian's cron reads them: minute, hour, day of month, month, day of week."


class ScheduleRequest(RequestBody):
    """What is asked for at which times."""

    timezone: str = Field(default="UTC", max_length=64, description="Of the IANA database, such as Europe/Berlin.")
    cron: str = Field(max_length=100, description=_CRON, examples=["0 7 * * MON"])
    type: ReportType
    format: ReportFormat
    params: ReportParams = Field(default_factory=ReportParams)
    period: SchedulePeriod | None = Field(
        default=None,
        description="A period that ends with the last midnight, Monday or first of a month before the run.",
    )
    notify: StrictBool = Field(default=True, description="Send a mail when a report is finished.")

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            next_fire("* * * * *", name, datetime.now(UTC))
        except InvalidCron as error:
            raise PydanticCustomError("timezone", "must be a time zone such as Europe/Berlin or UTC") from error
        return name

    @field_validator("cron")
    @classmethod
    def _fires(cls, cron: str, info: ValidationInfo) -> str:
        try:
            next_fire(cron, info.data.get("timezone", "UTC"), datetime.now(UTC))
        except InvalidCron as error:
            raise PydanticCustomError("cron", "{why}", {"why": str(error)}) from error
        return cron

    @model_validator(mode="after")
    def _has_one_period(self) -> Self:
        if self.period is not None and (self.params.from_ is not None or self.params.to is not None):
            raise PydanticCustomError("period", "period takes the place of params.from and params.to")
        return self

    def stored_params(self) -> dict[str, Any]:
        """The params that were given, as they are kept."""
        return self.params.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)


class ScheduleView(BaseModel):
    """A report schedule as its owner sees it."""

    id: int
    cron: str
    timezone: str
    type: ReportType
    format: ReportFormat
    params: dict[str, Any]
    period: SchedulePeriod | None
    notify: bool
    enabled: bool
    error: str | None = Field(description="Why the last run made no report.")
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_report_id: int | None
    created_at: datetime

    @classmethod
    def of(cls, schedule: ReportSchedule) -> Self:
        """The view of a schedule."""
        return cls(
            id=schedule.id,
            cron=schedule.cron,
            timezone=schedule.timezone,
            type=schedule.type,
            format=schedule.format,
            params=schedule.params,
            period=schedule.period,
            notify=schedule.notify,
            enabled=not schedule.disabled,
            error=schedule.error,
            next_run_at=schedule.next_run_at,
            last_run_at=schedule.last_run_at,
            last_report_id=schedule.last_report_id,
            created_at=schedule.created_at,
        )
