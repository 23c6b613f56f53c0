"""What becomes of reports that nobody needs any more: old ones go with their files, and files without a report."""

from datetime import timedelta

import structlog

from reports.files.store import ReportFiles
from reports.metrics import EXPIRED, ORPHANS
from reports.store import reports as store
from shared.postgres import Connection

log = structlog.stdlib.get_logger(__name__)

ORPHAN_AGE = timedelta(hours=1)
"""A report's place that nothing was written to for so long is nobody's work in progress."""


async def delete_old_reports(files: ReportFiles, keep: timedelta, connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` reports that were finished longer ago than ``keep``, with their files; how many."""
    async with connection.transaction():
        ids = await store.delete_finished_before(connection, keep, limit)
        # Before the commit: a row that stays is deleted again, a file without a row would stay.
        for report_id in ids:
            await files.clear_up(report_id, None)
    EXPIRED.inc(len(ids))
    return len(ids)


async def delete_orphans(files: ReportFiles, connection: Connection, limit: int) -> int:
    """Delete the files of at most ``limit`` reports that are not there; how many."""
    found = await files.older_than(ORPHAN_AGE)
    orphans = (await store.missing(connection, found))[:limit]
    for report_id in orphans:
        log.warning("report_directory_orphaned", report_id=report_id)
        await files.clear_up(report_id, None)
    ORPHANS.inc(len(orphans))
    return len(orphans)
