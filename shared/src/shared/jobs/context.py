"""What a job's handler is given."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import orjson
from redis.asyncio import Redis

from shared.jobs import progress, store
from shared.jobs.metrics import PROGRESS
from shared.jobs.processes import Processes
from shared.jobs.types import ClaimedJob, JobCancelled, JobStatus
from shared.postgres import Connection, Database

ResultT = TypeVar("ResultT")

PROGRESS_SECONDS = 0.2
MOST_BYTES = 64 * 1024


class JobContext:
    """One attempt at a job: its id, what it may use, and how it tells its progress."""

    def __init__(
        self,
        job: ClaimedJob,
        *,
        service: str,
        database: Database,
        redis: Redis,
        processes: Processes,
        resources: Any,
        memory_limit: int | None = None,
    ) -> None:
        self._job = job
        self._service = service
        self._redis = redis
        self._processes = processes
        self._told_at = float("-inf")
        self._untold: tuple[int, str] | None = None
        self._telling = asyncio.Lock()
        self._memory_limit = memory_limit
        self._checkpoint = job.checkpoint
        self.result: Any = None
        self.database = database
        self.resources = resources
        self.cancel_requested = asyncio.Event()

    @property
    def job_id(self) -> UUID:
        """The job's id, the same in every attempt."""
        return self._job.id

    @property
    def attempt(self) -> int:
        """1 for the first attempt."""
        return self._job.attempt

    @property
    def checkpointed(self) -> Any:
        """What the last ``checkpoint`` kept, of an earlier attempt too; None where there was none."""
        return self._checkpoint

    def finish_with(self, result: Any) -> None:
        """Leave this for the job's owner, once the handler returns: a JSON document of at most 64 KB.

        Raises ValueError when it is longer, and what orjson raises for what is no JSON.
        """
        _check_size(result)
        self.result = result

    async def checkpoint(self, data: Any, connection: "Connection | None" = None) -> None:
        """Keep where the next attempt goes on: a JSON document of at most 64 KB.

        In the transaction of ``connection`` when given, so that it is one with what was done. Raises
        JobCancelled when the lease is lost.
        """
        _check_size(data)
        if connection is None:
            async with self.database.acquire() as own:
                kept = await store.write_checkpoint(own, self._job, data)
        else:
            kept = await store.write_checkpoint(connection, self._job, data)
        if not kept:
            raise JobCancelled("the lease was lost")
        self._checkpoint = data

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A transaction that only commits as long as the job is this attempt's.

        A worker that was paused for longer than its lease would else write beside the one that took the
        job over. Raises JobCancelled when the lease is lost.
        """
        async with self.database.transaction() as connection:
            if not await store.hold(connection, self._job):
                raise JobCancelled("the lease was lost")
            yield connection

    async def progress(self, percent: int, message: str = "") -> None:
        """Tell how far the job is, 0 to 100; of what comes within 0.2 s the last is told.

        Raises JobCancelled when the end was asked for or the lease is lost.
        """
        await self.check_cancelled()
        self._untold = (max(0, min(100, percent)), message)
        if asyncio.get_running_loop().time() - self._told_at >= PROGRESS_SECONDS:
            await self.tell()

    async def tell(self) -> None:
        """Write and publish the progress that is not told yet; the worker calls it now and then."""
        # The worker tells while the handler does: of two at a time the older would be written last.
        async with self._telling:
            if self._untold is None:
                return
            (percent, message), self._untold = self._untold, None
            self._told_at = asyncio.get_running_loop().time()
            async with self.database.acquire() as connection:
                sequence = await store.write_progress(connection, self._job, percent, message)
            if sequence is None:
                raise JobCancelled("the lease was lost")
            PROGRESS.labels(self._job.type).set(percent)
            update = progress.JobProgress(sequence, JobStatus.RUNNING, percent, message)
            await progress.publish(self._redis, self._service, self.job_id, update)

    async def check_cancelled(self) -> None:
        """Raise JobCancelled when the end was asked for; also a point where the loop may turn."""
        await asyncio.sleep(0)
        if self.cancel_requested.is_set():
            raise JobCancelled

    async def run_in_process(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """Run ``function(*args)`` in a process of its own, killed when the job is cancelled or late.

        Raises OutOfMemory, which fails the job, beyond the memory limit of its type.
        """
        return await self._processes.run(function, *args, memory_limit=self._memory_limit)


def _check_size(document: Any) -> None:
    size = len(orjson.dumps(document))
    if size > MOST_BYTES:
        raise ValueError(f"{size} bytes are too many for a job's row; at most {MOST_BYTES} are kept")
