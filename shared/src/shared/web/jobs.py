"""A job in public: its state as JSON, its progress as server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias
from uuid import UUID

import orjson
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field

from shared.jobs import JobNotFound, JobProgress, JobState, JobStatus, find_job, read_steps, watch_progress
from shared.postgres import Connection
from shared.problems import problem_responses
from shared.web.resources import Resources

HEARTBEAT_SECONDS = 10.0
_RETRY_MILLISECONDS = 1000
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)

EVENT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events `progress`, at last `done` or `failed`.", "content": {"text/event-stream": {}}},
    **problem_responses(401, 403, 404, 422),
}
"""The ``responses`` of a route that answers with ``job_events``."""


class JobOut(BaseModel):
    """A job as its owner sees it."""

    id: UUID
    type: str
    status: JobStatus
    progress: int = Field(ge=0, le=100, description="In percent.")
    message: str = Field(description="What it does, in words.")
    error: str | None = Field(description="Why it failed.")
    result: Any = Field(description="What it left; null while it is not finished.")
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, job: JobState) -> Self:
        """The view of a job."""
        return cls(
            id=job.id,
            type=job.type,
            status=job.status,
            progress=job.percent,
            message=job.message,
            error=job.message if job.status is JobStatus.FAILED else None,
            result=job.result,
            created_at=job.created_at,
            finished_at=job.finished_at,
        )


@dataclass(frozen=True, slots=True)
class LastEvent:
    """How a stream ends; ``sequence`` is its id."""

    event: Literal["done", "failed"]
    data: dict[str, Any]
    sequence: int


AtEnd: TypeAlias = Callable[[Connection], Awaitable[LastEvent]]
"""Reads what the last event says, once the job is finished or gone."""


def job_events(
    resources: Resources,
    job_id: UUID,
    last_event_id: str | None,
    *,
    at_end: AtEnd | None = None,
    ended: bool = False,
) -> StreamingResponse:
    """A stream of ``progress`` events with heartbeats, ended by ``done`` or ``failed``.

    With a ``Last-Event-ID`` each step after that one is told first, in order (of the last 500 steps).
    The last event carries the job as JobOut, or what ``at_end`` makes of it. ``ended`` waits for
    nothing: the caller knows that the end is reached. Whether the caller may see the job is the
    endpoint's to ask.
    """
    after = int(last_event_id) if last_event_id and _NUMBER.fullmatch(last_event_id) else None
    last = at_end or _reads_job(job_id)
    return StreamingResponse(
        _stream(resources, job_id, after, last, ended=ended), media_type="text/event-stream", headers=_HEADERS
    )


def _reads_job(job_id: UUID) -> AtEnd:
    async def read(connection: Connection) -> LastEvent:
        job = await find_job(connection, job_id)
        if job is None:  # deleted with what it was for
            return LastEvent("failed", {"id": str(job_id), "status": JobStatus.CANCELLED}, 0)
        event: Literal["done", "failed"] = "done" if job.status is JobStatus.SUCCEEDED else "failed"
        return LastEvent(event, JobOut.of(job).model_dump(mode="json"), job.sequence)

    return read


async def _stream(
    resources: Resources, job_id: UUID, after: int | None, at_end: AtEnd, *, ended: bool
) -> AsyncIterator[bytes]:
    yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
    updates = (
        _missed(resources, job_id, after)
        if ended
        else watch_progress(resources.redis, resources.database, job_id, after)
    )
    async for chunk in _until_final(resources, updates):
        yield chunk
    if resources.draining.is_set() and not ended:
        return  # the client comes back with Last-Event-ID, to another instance or after the restart
    async with resources.database.acquire() as connection:
        last = await at_end(connection)
    data = orjson.dumps(last.data).decode()
    yield format_sse_event(event=last.event, data_str=data, id=str(last.sequence))


async def _missed(resources: Resources, job_id: UUID, after: int | None) -> AsyncGenerator[JobProgress]:
    if after is None:
        return
    for step in await read_steps(resources.database, job_id, after):
        if not step.status.is_final:
            yield step


async def _until_final(resources: Resources, updates: AsyncGenerator[JobProgress]) -> AsyncIterator[bytes]:
    """Progress and heartbeats until the job ends or the server drains."""
    draining = asyncio.create_task(resources.draining.wait())
    upcoming = asyncio.ensure_future(anext(updates, None))
    try:
        while True:
            await asyncio.wait({upcoming, draining}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if draining.done():
                return
            if not upcoming.done():
                yield b": still here\n\n"
                continue
            update = _result(upcoming)
            if update is None or update.status.is_final:
                return
            yield _progress_event(update)
            upcoming = asyncio.ensure_future(anext(updates, None))
    finally:
        draining.cancel()
        upcoming.cancel()
        await asyncio.gather(draining, upcoming, return_exceptions=True)
        await updates.aclose()


def _result(upcoming: "asyncio.Future[JobProgress | None]") -> JobProgress | None:
    try:
        return upcoming.result()
    except JobNotFound:
        return None  # forgotten with what it was for


def _progress_event(update: JobProgress) -> bytes:
    data = {"status": update.status, "progress": update.percent, "message": update.message}
    return format_sse_event(event="progress", data_str=orjson.dumps(data).decode(), id=str(update.sequence))
