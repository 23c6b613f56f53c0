"""Queues the jobs of schedules when their time has come.

One process leads. That none fires twice does not hang on it: the row of the schedule is locked, the time is
written down with the job in one transaction, and a time that is written down is never queued again. So when
the leader hangs, the others may do its work after a while.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from pydantic import RootModel

from shared.jobs import enqueue
from shared.messaging.cancellation import raise_if_cancelled
from shared.postgres import Connection, Database
from shared.postgres.database import UNAVAILABLE
from shared.schedules import metrics, store
from shared.schedules.cron import InvalidCron, next_fire
from shared.schedules.leader import Leader
from shared.schedules.missed import plan
from shared.schedules.schedule import Schedule
from shared.schedules.store import StoredSchedule

log = structlog.stdlib.get_logger(__name__)

TICK_SECONDS = 1.0
BATCH = 50
PATIENCE = timedelta(seconds=30)
"""How late a leader may be before the others fire in its place; within what is on time still."""

_STEP = timedelta(seconds=5)


class Payload(RootModel[dict[str, Any]]):
    """A job's payload as the schedule has it."""


class Scheduler:
    """Fires ``schedules``, those of the code, and all that users have stored."""

    def __init__(self, database: Database, schedules: Sequence[Schedule]) -> None:
        self._database = database
        self._schedules = schedules
        self._known = [schedule.name for schedule in schedules]
        self._leader = Leader(database, "schedules")
        self._led = False
        self._seen: tuple[datetime, float] | None = None

    async def run(self) -> None:
        """Look each second until cancelled."""
        try:
            async with self._leader:
                while True:
                    try:
                        # Looking at the clock is no part of any trace.
                        with suppress_instrumentation():
                            await self.look()
                    except (*UNAVAILABLE, asyncpg.PostgresError) as error:
                        log.warning("schedules_not_looked_at", error=f"{type(error).__name__}: {error}")
                    except Exception:
                        log.exception("schedules_not_looked_at")
                    raise_if_cancelled()
                    await asyncio.sleep(TICK_SECONDS)
        finally:
            metrics.LEADS.set(0)

    async def look(self) -> None:
        """Fire what is due, as leader; what is long due, as any other."""
        leads = await self._leader.leads()
        metrics.LEADS.set(int(leads))
        if leads and (not self._led or await self._clock_went_back()):
            await self._begin()
        self._led = leads
        overdue = timedelta(0) if leads else PATIENCE
        while await self._fire_batch(overdue) == BATCH:  # noqa: ASYNC110 - not waiting: more are due
            await asyncio.sleep(0)

    async def _begin(self) -> None:
        log.info("schedules_lead", schedules=self._known)
        async with self._database.transaction() as connection:
            for schedule in self._schedules:
                await store.upsert(connection, schedule, owner=None)
        await self._realign()
        self._seen = None

    async def _realign(self) -> None:
        """Bring forward what waits for too late a time: set when the clock was wrong, it would be silent till then."""
        name = ""
        while True:
            async with self._database.acquire() as connection:
                now = await store.read_clock(connection)
                found = await store.read_ahead(connection, name, BATCH)
                for schedule in found:
                    name = schedule.name
                    first = _next(schedule, now)
                    if first < schedule.next_fire:
                        await store.bring_forward(connection, name, first)
            if len(found) < BATCH:
                return

    async def _clock_went_back(self) -> bool:
        async with self._database.acquire() as connection:
            now, here = await store.read_clock(connection), asyncio.get_running_loop().time()
        seen, self._seen = self._seen, (now, here)
        return seen is not None and now < seen[0] + timedelta(seconds=here - seen[1]) - _STEP

    async def _fire_batch(self, overdue: timedelta) -> int:
        async with self._database.transaction() as connection:
            now = await store.read_clock(connection)
            due = await store.lock_due(connection, self._known, BATCH, overdue=overdue)
            for schedule in due:
                try:
                    await self._fire(connection, schedule, now)
                except InvalidCron as error:  # of a newer time zone database, say: once an hour is often enough
                    log.warning("schedule_not_read", schedule=schedule.name, error=str(error))
                    await store.advance(connection, schedule.name, now + timedelta(hours=1), None)
                await asyncio.sleep(0)
            return len(due)

    async def _fire(self, connection: Connection, schedule: StoredSchedule, now: datetime) -> None:
        chosen = plan(schedule.cron, schedule.timezone, schedule.missed, schedule.next_fire, now)
        kind = schedule.job_type
        for moment in chosen.now:
            if not await store.mark_fired(connection, schedule.name, moment):
                continue
            payload = Payload({**schedule.payload, "scheduled_for": moment.isoformat()})
            job_id = await enqueue(connection, kind, payload)
            metrics.FIRED.labels(kind).inc()
            metrics.LAG.labels(kind).set((now - moment).total_seconds())
            metrics.LAST.labels(kind).set(now.timestamp())
            log.info("schedule_fired", schedule=schedule.name, fire_time=moment.isoformat(), job_id=str(job_id))
        if chosen.left_out:
            metrics.MISSED.labels(kind).inc(chosen.left_out)
            log.warning("schedule_missed", schedule=schedule.name, times=chosen.left_out, policy=schedule.missed)
        await store.advance(connection, schedule.name, chosen.following, chosen.now[-1] if chosen.now else None)


def _next(schedule: StoredSchedule, now: datetime) -> datetime:
    try:
        return next_fire(schedule.cron, schedule.timezone, now)
    except InvalidCron:
        return schedule.next_fire
