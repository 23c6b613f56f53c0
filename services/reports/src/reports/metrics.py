"""What is counted about reports beyond what is counted about jobs."""

from prometheus_client import Counter

SCHEDULED = Counter("report_schedules_runs_total", "Runs of report schedules, by what they came to.", ["outcome"])
MAILS = Counter("report_mails_total", "Mails on finished reports, by what they came to.", ["outcome"])
EXPIRED = Counter("reports_expired_total", "Old reports that were deleted with their files.")
STORE_FAILURES = Counter(
    "report_store_failures_total", "What the store of report files did not do, by operation.", ["operation"]
)
ORPHANS = Counter("report_directories_orphaned_total", "Directories without a report that were deleted.")
