"""Bodies of version 1."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationInfo, field_validator

from reports.domain.period import InvalidMoment, InvalidPeriod, read_moment, read_period
from reports.domain.report import Report, ReportFormat, ReportStatus, ReportType
from shared.web import RequestBody

_MOMENT = "A date (its day in UTC) or a time of RFC 3339, such as 2026-01-31 or 2026-01-31T12:00:00Z."


class ReportParams(RequestBody):
    """The period; an end that is a date is in it with all of its day."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str | None = Field(default=None, alias="from", max_length=40, description=_MOMENT)
    to: str | None = Field(default=None, max_length=40, description=_MOMENT)
    all: StrictBool = Field(default=False, description="About all users; for an admin only.")

    @field_validator("from_", "to")
    @classmethod
    def _is_moment(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                read_moment(text)
            except InvalidMoment as error:
                raise ValueError("must be a date or a time as RFC 3339 writes them") from error
        return text

    @field_validator("to")
    @classmethod
    def _comes_after(cls, text: str | None, info: ValidationInfo) -> str | None:
        try:
            read_period(info.data.get("from_"), text)
        except InvalidPeriod as error:
            raise ValueError("must not come before from") from error
        return text


class ReportRequest(RequestBody):
    """What is asked for."""

    type: ReportType
    format: ReportFormat
    params: ReportParams = Field(default_factory=ReportParams)
    notify: StrictBool = Field(default=False, description="Send a mail when it is finished.")

    def stored_params(self) -> dict[str, Any]:
        """The params that were given, as they are kept."""
        return self.params.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)


class ReportView(BaseModel):
    """A report as its owner sees it."""

    id: int
    type: ReportType
    format: ReportFormat
    params: dict[str, Any]
    status: ReportStatus
    progress: int = Field(ge=0, le=100, description="In percent.")
    error: str | None
    size: int | None = Field(description="Bytes of the file, once there is one.")
    created_at: datetime
    finished_at: datetime | None
    notify: bool
    schedule_id: int | None = Field(description="The report schedule that asked for it.")

    @classmethod
    def of(cls, report: Report) -> Self:
        """The view of a report."""
        finished = report.status is ReportStatus.SUCCEEDED and report.file is not None
        return cls(
            id=report.id,
            type=report.type,
            format=report.format,
            params=report.params,
            status=report.status,
            progress=report.progress,
            error=report.error,
            size=report.file.size if finished and report.file else None,
            created_at=report.created_at,
            finished_at=report.finished_at,
            notify=report.notify,
            schedule_id=report.schedule_id,
        )
