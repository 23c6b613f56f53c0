"""What the API process of this service holds beside what every service has."""

from dataclasses import dataclass

from reports.files.store import ReportFiles
from reports.webhooks import Rules


@dataclass(frozen=True, slots=True)
class ReportsResources:
    """One a process."""

    files: ReportFiles
    unfinished_limit: int
    webhooks: Rules
    schedules_limit: int
    files_megabytes: int
