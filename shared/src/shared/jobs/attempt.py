"""One attempt at a job: runs the handler, and turns how it ended into the row's next state."""

import asyncio
import random
from datetime import timedelta
from enum import Enum, auto
from typing import Any

import structlog
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from pydantic import ValidationError

from shared.jobs import progress, store
from shared.jobs.context import JobContext
from shared.jobs.types import ClaimedJob, FinishedJob, JobCancelled, JobFailed, JobStatus, JobType
from shared.messaging.backoff import Backoff
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)
tracer = trace.get_tracer(__name__)

_MOST_RETRY_DELAY = timedelta(minutes=5)
_OWNERS_TEXT = "The work could not be done."
_LATE = "The work was not done by its deadline."


class Stop(Enum):
    """Why the worker ends an attempt that runs."""

    CANCELLED = auto()
    DRAINED = auto()
    LOST = auto()


class Attempt:
    """Made by the worker for a claimed job; ``lease_ends`` is in the loop's time."""

    def __init__(
        self, job: ClaimedJob, job_type: JobType[Any], context: JobContext, publisher: progress.Publisher
    ) -> None:
        self.job = job
        self.job_type = job_type
        self.context = context
        self._publisher = publisher
        self._stop: Stop | None = None
        self._work: asyncio.Task[None] | None = None
        self.renewed()

    def renewed(self) -> None:
        """Note that the lease begins anew now."""
        self.renewed_at = asyncio.get_running_loop().time()
        self.lease_ends = self.renewed_at + self.job_type.lease.total_seconds()

    def stop(self, reason: Stop) -> None:
        """End the handler and what it runs in processes; what is written then depends on the reason."""
        if self._stop is not None:
            return
        self._stop = reason
        self.context.cancel_requested.set()
        if self._work is not None:
            self._work.cancel()

    async def run(self) -> str:
        """Do the work and write how it ended; returns that in a word, for the metrics."""
        carrier = {"traceparent": self.job.traceparent} if self.job.traceparent else {}
        with tracer.start_as_current_span(
            f"job {self.job.type}",
            context=propagate.extract(carrier),
            kind=SpanKind.CONSUMER,
            attributes={"job.id": str(self.job.id), "job.type": self.job.type, "job.attempt": self.job.attempt},
        ) as span:
            if self.job.cancel_requested:
                self._stop = Stop.CANCELLED
                return await self._settle(asyncio.CancelledError(), last=True)
            if self._late():
                return await self._settle(JobFailed(_LATE), last=True)
            if self.job.attempt > self.job_type.max_attempts:
                return await self._settle(RuntimeError("the worker died in each attempt"), last=True)
            self._work = asyncio.create_task(self._do())
            if self._stop is not None:
                self._work.cancel()
            await asyncio.wait({self._work})
            error = asyncio.CancelledError() if self._work.cancelled() else self._work.exception()
            if error is not None:
                span.record_exception(error)
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            return await self._settle(error, last=self.job.attempt >= self.job_type.max_attempts)

    async def _do(self) -> None:
        try:
            payload = self.job_type.payload.model_validate(self.job.payload)
        except ValidationError as error:
            raise JobFailed("The work could not be read.") from error
        until_deadline = asyncio.timeout(self.job.seconds_left)
        try:
            async with until_deadline, asyncio.timeout(self.job_type.timeout.total_seconds()):
                await self.job_type.handler(self.context, payload)
        except TimeoutError as error:
            if until_deadline.expired():
                raise JobFailed(_LATE) from error
            raise

    def _late(self) -> bool:
        return self.job.seconds_left is not None and self.job.seconds_left <= 0

    async def _settle(self, error: BaseException | None, *, last: bool) -> str:
        """Write the outcome, again and again while Postgres is away and the lease holds."""
        backoff = Backoff(first=0.1, most=2.0)
        while True:
            try:
                return await self._write(error, last=last)
            except UNAVAILABLE as away:
                if asyncio.get_running_loop().time() > self.lease_ends:
                    log.warning("job_not_settled", job_id=str(self.job.id), error=str(away))
                    return "lost"
                await asyncio.sleep(backoff.next())
            except Exception as hook_error:
                log.exception("job_not_settled", job_id=str(self.job.id), type=self.job.type)
                if error is not None:
                    return "lost"  # the lease runs out and the job is taken up once more
                error = hook_error

    async def _write(self, error: BaseException | None, *, last: bool) -> str:
        if error is None:
            return await self._finish(JobStatus.SUCCEEDED)
        if isinstance(error, asyncio.CancelledError | JobCancelled) or self._stop is Stop.LOST:
            return await self._write_stopped()
        text = f"{type(error).__name__}: {error}"
        if isinstance(error, JobFailed):
            return await self._finish(JobStatus.FAILED, reason=str(error), error=text)
        log.warning("job_attempt_failed", job_id=str(self.job.id), type=self.job.type, exc_info=error)
        if last:
            return await self._finish(JobStatus.FAILED, reason=_OWNERS_TEXT, error=text)
        # With jitter: what failed together (a server that was away) must not come back together.
        delay = min(_MOST_RETRY_DELAY, self.job_type.retry_delay * 2 ** (self.job.attempt - 1))
        delay *= random.uniform(1.0, 1.5)  # noqa: S311 - jitter is no secret
        return await self._requeue(text, delay, counts=True)

    async def _write_stopped(self) -> str:
        if self._stop is Stop.CANCELLED:
            return await self._finish(JobStatus.CANCELLED)
        if self._stop is Stop.DRAINED:
            return await self._requeue(None, timedelta(0), counts=False)
        return "lost"

    async def _finish(self, status: JobStatus, *, reason: str = "", error: str | None = None) -> str:
        job = self.job
        async with self.context.database.transaction() as connection:
            result = self.context.result if status is JobStatus.SUCCEEDED else None
            written = await store.finish(connection, job, status, error, reason, result=result)
            if written is None:
                return "lost"
            if self.job_type.on_finished is not None:
                finished = FinishedJob(job.id, job.type, job.payload, status, job.attempt, reason, error)
                await self.job_type.on_finished(connection, finished)
        sequence, percent = written
        await self._publisher(job.id, progress.JobProgress(sequence, status, percent, reason))
        return status.value

    async def _requeue(self, error: str | None, delay: timedelta, *, counts: bool) -> str:
        async with self.context.database.transaction() as connection:
            kept = await store.requeue(connection, self.job, error=error, delay=delay, counts=counts)
        if not kept:
            return "lost"
        return "retried" if counts else "released"
