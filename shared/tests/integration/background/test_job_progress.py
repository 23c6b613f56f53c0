"""Progress: what a watcher is told, in order, with no gap between the row and Redis."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from shared.jobs import JobContext, JobNotFound, JobProgress, JobStatus, request_cancel, watch_progress
from shared.jobs import context as context_module
from shared.jobs import progress as progress_module
from shared.jobs import store as store_module
from shared.jobs.types import ClaimedJob
from shared.postgres import Connection, Database
from shared.testing.waiting import PATIENCE_SECONDS, eventually

from .job_fixtures import Run, Sum, ends_as, job_type, submit


async def stepwise(context: JobContext, _payload: Sum) -> None:
    for percent in (20, 40, 60, 80):
        await context.progress(percent, f"{percent} done")
        await asyncio.sleep(0.25)


async def watched(updates: AsyncIterator[JobProgress]) -> list[JobProgress]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [update async for update in updates]


async def test_a_watcher_sees_each_step_and_the_end(database: Database, redis: Redis, run_worker: Run) -> None:
    job_id = await submit(database, "sum")
    updates = watch_progress(redis, database, job_id)
    first = await anext(updates)
    run_worker(job_type(stepwise))
    seen = [first, *await watched(updates)]
    assert [u.percent for u in seen if u.message] == [20, 40, 60, 80]
    assert seen[0].status is JobStatus.QUEUED
    assert (seen[-1].status, seen[-1].percent) == (JobStatus.SUCCEEDED, 100)
    assert [u.sequence for u in seen] == sorted({u.sequence for u in seen})


async def test_a_watcher_that_comes_back_is_given_only_what_is_new(
    database: Database, redis: Redis, run_worker: Run
) -> None:
    job_id = await submit(database, "sum")
    updates = watch_progress(redis, database, job_id)
    seen = [await anext(updates)]
    run_worker(job_type(stepwise))
    async for update in updates:
        seen.append(update)
        if update.percent == 40:
            break
    rest = await watched(watch_progress(redis, database, job_id, after=seen[-1].sequence))
    assert rest
    assert all(update.sequence > seen[-1].sequence for update in rest)
    assert rest[-1].status is JobStatus.SUCCEEDED
    # After the end: the end again, however far the watcher says it is.
    assert [u.status for u in await watched(watch_progress(redis, database, job_id, after=10**6))] == ["succeeded"]


async def test_how_far_a_job_is_can_be_measured_while_it_runs_and_not_after(
    database: Database, run_worker: Run
) -> None:
    def measured() -> float | None:
        return REGISTRY.get_sample_value("jobs_progress_percent", {"type": "sum"})

    told, done = asyncio.Event(), asyncio.Event()

    async def halfway(context: JobContext, _payload: Sum) -> None:
        await context.progress(50, "half of it")
        told.set()
        await done.wait()

    job_id = await submit(database, "sum")
    run_worker(job_type(halfway))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await told.wait()
    assert measured() == 50
    done.set()
    await ends_as(database, job_id, JobStatus.SUCCEEDED)
    await eventually(lambda: measured() is None)


async def test_what_happens_between_subscribing_and_reading_is_not_missed(
    database: Database, redis: Redis, run_worker: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await submit(database, "sum")
    read = progress_module._read

    async def slow_read(of: Database, job: UUID) -> JobProgress:
        monkeypatch.setattr(progress_module, "_read", read)
        found = await read(of, job)
        run_worker(job_type(stepwise))
        await ends_as(database, job_id, JobStatus.SUCCEEDED)
        return found

    monkeypatch.setattr(progress_module, "_read", slow_read)
    monkeypatch.setattr(progress_module, "LOOK_SECONDS", 60.0)
    seen = await watched(watch_progress(redis, database, job_id))
    assert [u.percent for u in seen if u.message] == [20, 40, 60, 80]


async def test_without_redis_the_row_is_looked_at(database: Database, redis: Redis, run_worker: Run) -> None:
    nowhere = Redis.from_url("redis://127.0.0.1:1")
    job_id = await submit(database, "sum")
    run_worker(job_type(stepwise))
    seen = await watched(watch_progress(nowhere, database, job_id))
    assert seen[-1].status is JobStatus.SUCCEEDED
    await nowhere.aclose()
    assert await redis.ping()


async def test_a_queued_job_that_is_cancelled_ends_its_watchers(database: Database, redis: Redis) -> None:
    job_id = await submit(database, "sum")
    updates = watch_progress(redis, database, job_id)
    first = await anext(updates)
    async with database.transaction() as connection:
        await request_cancel(connection, job_id)
    assert [u.status for u in (first, *await watched(updates))] == ["queued", "cancelled"]


async def test_an_unknown_job_is_said_to_be_unknown(database: Database, redis: Redis) -> None:
    with pytest.raises(JobNotFound):
        await watched(watch_progress(redis, database, uuid4()))


async def test_what_the_worker_tells_is_not_overtaken_by_the_handlers_next_step(
    database: Database, redis: Redis, run_worker: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker tells what is untold by now and then: a write of its own that lasts keeps its place."""
    monkeypatch.setattr(context_module, "PROGRESS_SECONDS", 3600.0)
    write, held, overtaken = store_module.write_progress, asyncio.Event(), asyncio.Event()

    async def slow_for_ten(connection: Connection, job: ClaimedJob, percent: int, message: str) -> int | None:
        if percent == 10:
            held.set()
            await asyncio.wait({asyncio.ensure_future(overtaken.wait())}, timeout=0.5)
        written = await write(connection, job, percent, message)
        if percent == 20:
            overtaken.set()
        return written

    async def handler(context: JobContext, _payload: Sum) -> None:
        await context.progress(5)
        await context.progress(10)  # untold: the worker does it
        await held.wait()
        await context.progress(20)
        await context.tell()

    monkeypatch.setattr(store_module, "write_progress", slow_for_ten)
    job_id = await submit(database, "sum")
    updates = watch_progress(redis, database, job_id)
    seen = [await anext(updates)]
    run_worker(job_type(handler))
    seen += await watched(updates)
    assert [update.percent for update in seen if update.percent] == [5, 10, 20, 100]


async def test_the_last_of_many_quick_steps_is_told(
    database: Database, redis: Redis, run_worker: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slowly the fifty steps follow each other.
    monkeypatch.setattr(context_module, "PROGRESS_SECONDS", 3600.0)
    go_on = asyncio.Event()

    async def hasty(context: JobContext, _payload: Sum) -> None:
        for percent in range(50):
            await context.progress(percent, "hasty")
        await go_on.wait()

    job_id = await submit(database, "sum")
    run_worker(job_type(hasty))
    async with asyncio.timeout(PATIENCE_SECONDS):
        updates = watch_progress(redis, database, job_id)
        count = 0
        async for update in updates:
            count += 1
            if update.percent == 49:
                break
    go_on.set()
    assert count < 10
    await ends_as(database, job_id, JobStatus.SUCCEEDED)
