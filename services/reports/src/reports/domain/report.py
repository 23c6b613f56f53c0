"""A report: what it can be about, as what it comes, and how it stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from reports.domain.period import Period, read_period
from shared.problems import Conflict, Forbidden, Gone, NotFound


class ReportType(StrEnum):
    """What a report is about."""

    USER_ACTIVITY = "user_activity"
    ORDER_SUMMARY = "order_summary"
    SALES = "sales"


class ReportFormat(StrEnum):
    """As what a report comes; the value is the file's extension too."""

    PDF = "pdf"
    CSV = "csv"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """The ``Content-Type`` of such a file."""
        return {"pdf": "application/pdf", "csv": "text/csv; charset=utf-8", "json": "application/json"}[self]


class ReportStatus(StrEnum):
    """How a report stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in {ReportStatus.QUEUED, ReportStatus.RUNNING}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The file of a finished report: its name in the report's directory, bytes, and SHA-256 in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report as its owner sees it, with what its job said last."""

    id: int
    user_id: int
    type: ReportType
    format: ReportFormat
    params: dict[str, Any]
    everyone: bool
    status: ReportStatus
    progress: int
    sequence: int
    error: str | None
    job_id: UUID
    file: StoredFile | None
    created_at: datetime
    finished_at: datetime | None
    version: int
    notify: bool = False
    schedule_id: int | None = None

    @property
    def period(self) -> Period:
        """The time it is about."""
        return read_period(self.params.get("from"), self.params.get("to"))

    @property
    def state(self) -> int:
        """Grows with every change that a reader can see, those of the progress included."""
        return self.version + self.sequence


class ReportNotFound(NotFound):
    """There is no such report for this caller."""

    def __init__(self) -> None:
        super().__init__("report_not_found", "There is no such report.")


class NotAboutAll(Forbidden):
    """The caller's role does not reach so far."""

    def __init__(self) -> None:
        super().__init__("forbidden", "Only an admin may ask for a report on all users.")


class TooManyReports(Conflict):
    """Too many of the caller's reports are not finished: that ends by waiting or deleting, so it is no rate."""

    def __init__(self, limit: int) -> None:
        super().__init__("too_many_reports", f"{limit} reports are not finished yet.")


class TooManyFiles(Conflict):
    """The files of the caller's reports take all the room there is for one user: deleting some makes room."""

    def __init__(self, megabytes: int) -> None:
        super().__init__("too_many_report_files", f"Your reports take {megabytes} MB. Delete some to make room.")


class ReportNotReady(Conflict):
    """There is no file, or not yet."""

    def __init__(self, status: ReportStatus) -> None:
        super().__init__("report_not_ready", f"The report is {status}; only a succeeded one has a file.")


class ReportFileGone(Gone):
    """There was a file, and it was lost."""

    def __init__(self) -> None:
        super().__init__("report_file_gone", "The file of this report is gone. Ask for a new report.")


def covers_everyone(report_type: ReportType, *, is_admin: bool, asked_for_all: bool) -> bool:
    """Whether the report is about all users or about the caller alone.

    Sales are about all, and an admin's order summary too; an admin's activity only when asked for.
    Raises NotAboutAll when someone else asks for more than their own.
    """
    if not is_admin and (asked_for_all or report_type is ReportType.SALES):
        raise NotAboutAll
    return is_admin and (asked_for_all or report_type is not ReportType.USER_ACTIVITY)
