"""Progress of a job, from its worker to whoever watches.

The row in Postgres is the truth and numbers each change, the last changes stand in ``job_steps``; Redis
pub/sub only tells of them at once. A watcher subscribes first and reads then, so nothing falls between;
what Redis loses or is not told of is read from the steps: at a gap in the numbers, and every two seconds.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from shared.jobs.types import JobStatus
from shared.postgres import Database
from shared.redis_client import UNAVAILABLE, listening

log = structlog.stdlib.get_logger(__name__)

LOOK_SECONDS = 2.0

_READ = "SELECT progress_sequence AS sequence, status, percent, message FROM jobs WHERE id = $1"
# The row too, in one snapshot: it is there when its steps are trimmed, and the last in order.
_READ_STEPS = """
    SELECT sequence, status, percent, message FROM job_steps WHERE job_id = $1 AND sequence > $2
    UNION SELECT progress_sequence, status, percent, message FROM jobs WHERE id = $1
    ORDER BY sequence
"""


class JobNotFound(LookupError):  # noqa: N818 - the name says what happened
    """No such job in this service."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """One change; ``sequence`` grows by one with each."""

    sequence: int
    status: JobStatus
    percent: int
    message: str


def channel(service: str, job_id: UUID) -> str:
    """Name of the pub/sub channel of one job."""
    return f"jobs:{service}:{job_id}"


async def publish(redis: Redis, service: str, job_id: UUID, progress: JobProgress) -> None:
    """Tell the watchers; when Redis is away they find it in the row."""
    try:
        await redis.publish(channel(service, job_id), orjson.dumps(asdict(progress)))
    except UNAVAILABLE as error:
        log.warning("progress_not_published", job_id=str(job_id), error=str(error))


Publisher: TypeAlias = Callable[[UUID, JobProgress], Awaitable[None]]


def publisher(redis: Redis, service: str) -> Publisher:
    """``publish`` for the jobs of one service."""

    async def tell(job_id: UUID, update: JobProgress) -> None:
        await publish(redis, service, job_id, update)

    return tell


async def watch_progress(
    redis: Redis, database: Database, job_id: UUID, after: int | None = None
) -> AsyncGenerator[JobProgress]:
    """Yield the job's state, then each change, and end with the job.

    With ``after``, a sequence number, each step that is newer comes first; the final state comes always.
    Raises JobNotFound.
    """
    async with database.acquire() as connection:
        service: str = await connection.fetchval("SELECT current_schema()")
    async with _subscribed(redis, channel(service, job_id)) as messages:
        found = [await _read(database, job_id)] if after is None else await read_steps(database, job_id, after)
        last = -1 if after is None else after
        while True:
            for update in found:
                if update.sequence > last or update.status.is_final:
                    last = update.sequence
                    yield update
                    if update.status.is_final:
                        return
            told = await _next(messages)
            # What is published out of turn, after a gap or of a job's end, is read with all that it stands for.
            found = [told] if told and told.sequence == last + 1 else await read_steps(database, job_id, last)


@asynccontextmanager
async def _subscribed(redis: Redis, name: str) -> AsyncGenerator[PubSub | None]:
    pubsub: PubSub | None = None
    try:
        try:
            pubsub = await listening(redis)
            await pubsub.subscribe(name)
            # The call only sends: what is published before the confirmation is not ours yet.
            await pubsub.get_message(timeout=LOOK_SECONDS)
        except UNAVAILABLE as error:
            log.warning("progress_not_subscribed", error=str(error))
            yield None
        else:
            yield pubsub
    finally:
        if pubsub is not None:
            await pubsub.aclose()


async def _read(database: Database, job_id: UUID) -> JobProgress:
    async with database.acquire() as connection:
        row = await connection.fetchrow(_READ, job_id)
    if row is None:
        raise JobNotFound(str(job_id))
    return JobProgress(row["sequence"], JobStatus(row["status"]), row["percent"], row["message"])


async def read_steps(database: Database, job_id: UUID, after: int) -> list[JobProgress]:
    """The kept steps after a sequence number, in order, and the state at last, new or not.

    An end that a retry took back is left out. Raises JobNotFound.
    """
    async with database.acquire() as connection:
        rows = await connection.fetch(_READ_STEPS, job_id, after)
    if not rows:
        raise JobNotFound(str(job_id))
    steps = [JobProgress(row["sequence"], JobStatus(row["status"]), row["percent"], row["message"]) for row in rows]
    return [step for step in steps if not step.status.is_final or step is steps[-1]]


async def _next(messages: PubSub | None) -> JobProgress | None:
    """The next published change; None when there was none for a while, or Redis is away."""
    if messages is None:
        await asyncio.sleep(LOOK_SECONDS / 4)
        return None
    try:
        found: dict[str, Any] | None = await messages.get_message(ignore_subscribe_messages=True, timeout=LOOK_SECONDS)
    except UNAVAILABLE:
        await asyncio.sleep(LOOK_SECONDS / 4)
        return None
    if found is None:
        return None
    document = orjson.loads(found["data"])
    return JobProgress(document["sequence"], JobStatus(document["status"]), document["percent"], document["message"])
