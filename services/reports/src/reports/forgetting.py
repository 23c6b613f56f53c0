"""A user who was deleted: their reports go, others' reports that name them lose the file, orders lose the person.

The handler of the event does what must not be seen a moment longer (the name, the user's own reports); the job
does the rest, whose size nobody knows, and looks again for what was under way meanwhile.
"""

from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel

from reports import scheduling
from reports.domain.report import Report
from reports.files.store import ReportFiles
from reports.reporting import delete_all_of
from reports.store import departed, webhooks
from shared.jobs import enqueue
from shared.postgres import Connection, Database
from shared.web.kept_answers import forget_owner

FORGET_USER = "reports.forget_user"

_LOOKS = (timedelta(0), timedelta(minutes=1), timedelta(minutes=15))
"""The later looks find what was asked for, or being made from the name, while the deletion was heard."""
_MARGIN = timedelta(minutes=1)
_BATCH = 500


class ForgetUser(BaseModel):
    """Whom to forget; a report asked for up to ``until`` on a time from ``first`` to ``last`` may show the name."""

    user_id: int
    until: AwareDatetime
    first: AwareDatetime | None = None
    last: AwareDatetime | None = None

    def may_be_named_in(self, report: Report) -> bool:
        """Whether the report is about a time in which the user did something."""
        begin, end = report.period.bounds
        return self.first is not None and self.last is not None and begin <= self.last and self.first < end


async def begin(files: ReportFiles, connection: Connection, user_id: int) -> None:
    """What happens with the hearing: the user's reports go, and the rest is queued."""
    span = await departed.span_of(connection, user_id)
    payload = ForgetUser(
        user_id=user_id,
        until=datetime.now(UTC) + _MARGIN,
        first=span.first if span else None,
        last=span.last if span else None,
    )
    for delay in _LOOKS:
        await enqueue(connection, FORGET_USER, payload, delay=delay)
    await _delete_own(files, connection, user_id)


async def finish(files: ReportFiles, database: Database, asked: ForgetUser) -> tuple[int, int]:
    """The rest; how many files were removed and orders detached. May be stopped anywhere and run again."""
    async with database.transaction() as connection:
        await _delete_own(files, connection, asked.user_id)
        await forget_owner(connection, str(asked.user_id))
    removed = await _remove_files(files, database, asked)
    detached = 0
    while True:
        async with database.transaction() as connection:
            found = await departed.detach(connection, asked.user_id, _BATCH)
        detached += found
        if found < _BATCH:
            return removed, detached


async def _delete_own(files: ReportFiles, connection: Connection, user_id: int) -> None:
    await scheduling.delete_all_of(connection, user_id)
    await delete_all_of(files, connection, user_id)
    await webhooks.delete_all_of(connection, user_id)


async def _remove_files(files: ReportFiles, database: Database, asked: ForgetUser) -> int:
    """Remove what names the user; whoever asks for such a file is told that it is gone (410)."""
    removed = after = 0
    while True:
        async with database.acquire() as connection:
            found = await departed.naming_everyone(connection, asked.until, after, _BATCH)
        for report in found:
            after = report.id
            if report.finished_at is not None and asked.may_be_named_in(report):
                await files.clear_up(report.id, None)
                removed += 1
        if len(found) < _BATCH:
            return removed
