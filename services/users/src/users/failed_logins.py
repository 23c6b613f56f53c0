"""Failed logins on their way to the record, counted together: a flood of them costs a few rows a second.

They are written beside the requests: an answer about an account that is there takes no longer than one about an
account that is not (TRAPS.md, Auth 4).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Counter

from shared.messaging.cancellation import raise_if_cancelled
from shared.postgres import Database
from users.domain.audit import AuditAction
from users.domain.sessions import Client
from users.store import audit
from users.store.audit import Attempts

log = structlog.stdlib.get_logger(__name__)

LOST = Counter("users_failed_logins_unrecorded_total", "Failed logins beyond what is put on record, or not written.")

_SECONDS = 1.0
_MOST = 50
"""Rows at a time; what a flood has beyond them is a number in a metric."""


class FailedLogins:
    """One a process. What was noted in the last second is lost when the process is killed."""

    def __init__(self) -> None:
        self._noted: dict[tuple[AuditAction, int, str, str], Attempts] = {}

    def note(self, action: AuditAction, subject_id: int, client: Client) -> None:
        """Count an attempt; of those alike in account, address and program the first one's request is named."""
        key = (action, subject_id, client.address, client.user_agent)
        known = self._noted.get(key)
        if known is not None:
            self._noted[key] = replace(known, occurrences=known.occurrences + 1)
        elif len(self._noted) < _MOST:
            self._noted[key] = Attempts(action, subject_id, client, 1)
        else:
            LOST.inc()

    async def write(self, database: Database) -> None:
        """Put on record what was noted; what cannot be written is lost, and counted."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            with suppress_instrumentation():
                async with database.transaction() as connection:
                    await audit.insert_attempts(connection, list(noted.values()))
        except BaseException as error:
            LOST.inc(sum(each.occurrences for each in noted.values()))
            if not isinstance(error, Exception):
                raise
            log.exception("failed_logins_not_recorded")


@asynccontextmanager
async def recording(database: Database) -> AsyncGenerator[FailedLogins]:
    """Write each second while the block runs, and once at its end."""
    failed = FailedLogins()
    task = asyncio.create_task(_keep_writing(failed, database), name="failed logins")
    try:
        yield failed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await failed.write(database)


async def _keep_writing(failed: FailedLogins, database: Database) -> None:
    while True:
        await asyncio.sleep(_SECONDS)
        await failed.write(database)
        # A driver may have dropped the cancel on its way: the service would never end.
        raise_if_cancelled()
