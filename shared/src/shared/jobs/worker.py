"""The worker of a service's jobs: claims them, keeps their leases, hears of cancels, drains at the end."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from redis.asyncio import Redis

from shared.jobs import progress, store
from shared.jobs.attempt import Attempt, Stop
from shared.jobs.context import JobContext
from shared.jobs.metrics import ENDED, OLDEST, PROGRESS, RUNNING, SECONDS, WAITING
from shared.jobs.processes import Processes
from shared.jobs.types import ClaimedJob, JobCancelled, JobType
from shared.messaging.cancellation import raise_if_cancelled
from shared.postgres import Database
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

POLL_SECONDS = 1.0
TICK_SECONDS = 0.5
CONCURRENCY = 4
OVER_AT_ONCE = 20


class JobWorker:
    """Runs up to ``concurrency`` jobs at once; heavy ones share the processes."""

    def __init__(
        self,
        service: str,
        database: Database,
        redis: Redis,
        job_types: Sequence[JobType[Any]],
        *,
        resources: Any = None,
        processes: Processes | None = None,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._id = uuid4()
        self.service = service
        self._database = database
        self._redis = redis
        self._types = {job_type.name: job_type for job_type in job_types}
        self._resources = resources
        self._processes = processes or Processes()
        self._concurrency = concurrency
        self._woken = asyncio.Event()
        self._attempts: dict[asyncio.Task[None], Attempt] = {}
        self._leases: asyncio.Task[None] | None = None
        self._publish = progress.publisher(redis, service)

    def wake(self) -> None:
        """Look for jobs now."""
        self._woken.set()

    async def run(self) -> None:
        """Claim and run jobs until cancelled; those that run go on, see ``drain``."""
        self._leases = asyncio.create_task(self._keep_leases(), name="job-leases")
        while True:
            self._woken.clear()
            await self._claim()
            raise_if_cancelled()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()

    async def drain(self, seconds: float) -> None:
        """Give running jobs this long, put the others back in the queue, end the processes."""
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=seconds)
        for attempt in self._attempts.values():
            attempt.stop(Stop.DRAINED)
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=5)
        if self._leases is not None:
            self._leases.cancel()
            await asyncio.gather(self._leases, return_exceptions=True)
        await self._processes.close()

    async def _claim(self) -> None:
        types = list(self._types.values())
        free = self._concurrency - len(self._attempts)
        try:
            # Looking for work is no part of any trace; the work is, in the one that asked for it.
            with suppress_instrumentation():
                async with self._database.transaction() as connection:
                    over = await store.claim_over(connection, self._id, types, OVER_AT_ONCE)
                    jobs = await store.claim(connection, self._id, types, free, self._room(free)) if free > 0 else []
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning("jobs_not_claimed", error=f"{type(error).__name__}: {error}")
            return
        for job in (*over, *jobs):
            self._start(job)

    def _room(self, free: int) -> dict[str, int]:
        """How many more of each type may run here."""
        running = Counter(attempt.job.type for attempt in self._attempts.values())
        return {
            name: free if kind.concurrency is None else max(0, min(free, kind.concurrency - running[name]))
            for name, kind in self._types.items()
        }

    def _start(self, job: ClaimedJob) -> None:
        context = JobContext(
            job,
            service=self.service,
            database=self._database,
            redis=self._redis,
            processes=self._processes,
            resources=self._resources,
            memory_limit=self._types[job.type].memory_limit,
        )
        attempt = Attempt(job, self._types[job.type], context, self._publish)
        task = asyncio.create_task(self._attend(attempt), name=f"job-{job.id}")
        self._attempts[task] = attempt
        task.add_done_callback(self._ended)

    async def _attend(self, attempt: Attempt) -> None:
        kind = attempt.job.type
        RUNNING.labels(kind).inc()
        PROGRESS.labels(kind).set(0)
        try:
            with SECONDS.labels(kind).time():
                outcome = await attempt.run()
            ENDED.labels(kind, outcome).inc()
            log.info("job_attempt_ended", job_id=str(attempt.job.id), type=kind, outcome=outcome)
        finally:
            RUNNING.labels(kind).dec()
            if not any(other.job.type == kind for other in self._attempts.values() if other is not attempt):
                # What does not run has no progress, also not that of the last one.
                PROGRESS.remove(kind)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        del self._attempts[task]
        self.wake()

    async def _keep_leases(self) -> None:
        while True:
            raise_if_cancelled()
            await asyncio.sleep(TICK_SECONDS)
            try:
                with suppress_instrumentation():
                    await self._tick()
            except (*UNAVAILABLE, asyncpg.PostgresError) as error:
                log.warning("leases_not_renewed", error=f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("leases_not_renewed")
            # Without Postgres another may own the job by now: whoever cannot renew must end.
            now = asyncio.get_running_loop().time()
            for attempt in self._attempts.values():
                if now > attempt.lease_ends:
                    attempt.stop(Stop.LOST)

    async def _tick(self) -> None:
        attempts = list(self._attempts.values())
        if not attempts:
            return
        now = asyncio.get_running_loop().time()
        async with self._database.acquire() as connection:
            held = {
                row.id: row.cancel_requested
                for row in await store.read_held(connection, self._id, [attempt.job.id for attempt in attempts])
            }
            for attempt in attempts:
                if attempt.job.id not in held:
                    attempt.stop(Stop.LOST)
                elif held[attempt.job.id]:
                    attempt.stop(Stop.CANCELLED)
                if now - attempt.renewed_at > attempt.job_type.lease.total_seconds() / 3 and (
                    await store.renew(connection, attempt.job, attempt.job_type.lease)
                ):
                    attempt.renewed()
        for attempt in attempts:
            try:
                await attempt.context.tell()
            except JobCancelled:
                attempt.stop(Stop.LOST)

    async def observe(self) -> None:
        """Set the gauges of what waits."""
        async with self._database.acquire() as connection:
            waiting = await store.count_waiting(connection)
        for name in self._types:
            found = waiting.get(name)
            WAITING.labels(name).set(found.rows if found else 0)
            OLDEST.labels(name).set(found.oldest_seconds if found else 0)
