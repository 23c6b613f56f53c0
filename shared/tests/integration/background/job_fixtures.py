"""Workers of jobs in the test's own process, on real servers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest_asyncio
from pydantic import BaseModel
from redis.asyncio import Redis

from shared.jobs import FinishedJob, JobStatus, JobType, JobWorker, enqueue
from shared.jobs.processes import Processes
from shared.messaging.outbox import append_direct
from shared.postgres import Connection, Database
from shared.testing.waiting import eventually


class Run:
    """Starts workers, and stops them as a process does that is told to end."""

    def __init__(self, database: Database, redis: Redis, service: str) -> None:
        self._database = database
        self._redis = redis
        self._service = service
        self.running: dict[JobWorker, asyncio.Task[None]] = {}

    def __call__(self, *types: JobType[Any], concurrency: int = 4, resources: object = None) -> JobWorker:
        worker = JobWorker(
            self._service,
            self._database,
            self._redis,
            types,
            resources=resources,
            processes=Processes(2),
            concurrency=concurrency,
        )
        self.running[worker] = asyncio.create_task(worker.run())
        return worker

    async def stop(self, worker: JobWorker, *, seconds: float) -> None:
        """Let it claim no more, then drain it."""
        task = self.running.pop(worker)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await worker.drain(seconds)


class Sum(BaseModel):
    numbers: list[int] = []


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def run_worker(database: Database, redis: Redis) -> AsyncIterator[Run]:
    """Starts a worker with these types; drains it at the end."""
    async with database.acquire() as connection:
        database_schema: str = await connection.fetchval("SELECT current_schema()")

    run = Run(database, redis, database_schema)
    yield run
    for worker in list(run.running):
        await run.stop(worker, seconds=0.1)


async def submit(database: Database, job_type: str, *numbers: int, **options: Any) -> UUID:
    async with database.transaction() as connection:
        return await enqueue(connection, job_type, Sum(numbers=list(numbers)), **options)


async def row(database: Database, job_id: UUID) -> dict[str, Any]:
    async with database.acquire() as connection:
        found = await connection.fetchrow("SELECT * FROM jobs WHERE id = $1", job_id)
    assert found is not None
    return dict(found)


async def status(database: Database, job_id: UUID) -> str:
    return (await row(database, job_id))["status"]


async def ends_as(database: Database, job_id: UUID, expected: JobStatus) -> dict[str, Any]:
    await eventually(lambda: status(database, job_id), expected.value)
    return await row(database, job_id)


async def end_leases(database: Database) -> None:
    """Whoever holds a job has been silent for too long."""
    async with database.acquire() as connection:
        await connection.execute("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE status = 'running'")


async def note_end(connection: Connection, job: FinishedJob) -> None:
    """A hook whose effect can be counted."""
    await connection.execute("INSERT INTO effects (what) VALUES ($1)", f"{job.type} {job.status} {job.reason}".strip())
    await append_direct(connection, queue="nobody", subject=f"jobs/{job.id}", body=b"{}")


def job_type(handler: Callable[..., Coroutine[Any, Any, None]], *, name: str = "sum", **options: Any) -> JobType[Sum]:
    return JobType(name, handler, payload=Sum, on_finished=note_end, **options)
