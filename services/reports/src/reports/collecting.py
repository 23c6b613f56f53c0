"""Collects what stands in a report: the rows into a spool file, the rest into a document."""

from pathlib import Path

from reports.domain.contents import CONTENTS
from reports.domain.document import Document, cell
from reports.domain.plotting import plot_over_time
from reports.domain.report import Report
from reports.rendering.spool import SpoolWriter
from reports.store import contents as store
from shared.jobs import JobContext

_FIRST_PERCENT, _LAST_PERCENT = 5, 40
_ROWS_BETWEEN_LOOKS = 2_000


async def collect(context: JobContext, report: Report, spool: Path) -> Document:
    """Read all of a report as of one moment. Raises JobCancelled in the middle when that is asked for."""
    contents = CONTENTS[report.type]
    bounds = report.period.bounds
    user_id = None if report.everyone else report.user_id
    share = (_LAST_PERCENT - _FIRST_PERCENT) // len(contents.sections)
    async with store.snapshot(context.database) as connection:
        amounts = await store.amounts_by_day(connection, report.type, bounds, user_id)
        about = "All users" if report.everyone else await store.name_of(connection, report.user_id)
        with SpoolWriter(spool) as writer:
            for number, section in enumerate(contents.sections):
                await context.progress(_FIRST_PERCENT + number * share, f"collecting {section.title.lower()}")
                writer.begin(section.key)
                async for row in store.rows(connection, report.type, section.key, bounds, user_id):
                    writer.write(section.key, [cell(value) for value in row])
                    if writer.counts[section.key] % _ROWS_BETWEEN_LOOKS == 0:
                        await context.check_cancelled()
            counts = writer.counts
    return Document(
        title=contents.title,
        about=about or f"User {report.user_id}",
        period=report.period.describe(),
        requested_at=report.created_at,
        sections=contents.sections,
        detail=contents.detail,
        plot=plot_over_time(contents.plot_title, amounts),
        counts=counts,
    )
