"""A job's stream: each step it missed to a watcher that comes back, in order and once."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from shared.jobs import JobContext, JobFailed, JobStatus, find_job, read_steps, watch_progress
from shared.postgres import Database
from shared.web.jobs import JobOut, job_events
from shared.web.resources import Resources

from .job_fixtures import Run, Sum, ends_as, job_type, submit


async def stepwise(context: JobContext, payload: Sum) -> None:
    for percent in range(10, 100, 10):
        await context.progress(percent, f"{percent} done")
        await context.tell()
    if not payload.numbers:
        raise JobFailed("There is nothing to add.")
    context.finish_with({"sum": sum(payload.numbers)})


@pytest.fixture
def resources(database: Database, redis: Redis) -> Resources:
    nothing: Any = None
    return Resources(nothing, database, redis, nothing, nothing)


async def streamed(resources: Resources, job_id: UUID, last_event_id: str | None) -> list[tuple[str, int, Any]]:
    answer = job_events(resources, job_id, last_event_id)
    text = "".join([bytes(chunk).decode() async for chunk in answer.body_iterator])
    found: list[tuple[str, int, Any]] = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append((fields["event"], int(fields["id"]), json.loads(fields["data"])))
    return found


async def test_whoever_comes_back_is_told_each_step_after_the_one_it_names(
    database: Database, run_worker: Run, resources: Resources
) -> None:
    job_id = await submit(database, "sum", 1, 2)
    run_worker(job_type(stepwise))
    await ends_as(database, job_id, JobStatus.SUCCEEDED)
    whole = await streamed(resources, job_id, "0")
    assert [event for event, _, _ in whole] == ["progress"] * 10 + ["done"]
    assert [number for _, number, _ in whole] == list(range(1, 12))
    assert [data["progress"] for _, _, data in whole] == [0, *range(10, 100, 10), 100]
    for seen in range(12):
        assert await streamed(resources, job_id, str(seen)) == (whole[seen:] or whole[-1:])
    assert await streamed(resources, job_id, None) == whole[-1:]


async def test_a_watcher_of_a_cut_line_misses_nothing_while_it_goes_on(
    database: Database, redis: Redis, run_worker: Run
) -> None:
    halfway, go_on = asyncio.Event(), asyncio.Event()

    async def pausing(context: JobContext, _payload: Sum) -> None:
        for percent in range(1, 41):
            if percent == 21:
                halfway.set()
                await go_on.wait()
            await context.progress(percent)
            await context.tell()

    job_id = await submit(database, "sum")
    first = watch_progress(redis, database, job_id)
    seen = [await anext(first)]
    run_worker(job_type(pausing))
    seen += [await anext(first) for _ in range(5)]
    await first.aclose()
    await halfway.wait()
    again = watch_progress(redis, database, job_id, after=seen[-1].sequence)
    seen.append(await anext(again))
    go_on.set()
    seen += [update async for update in again]
    assert [update.sequence for update in seen] == list(range(42 + 1))


async def test_a_failure_is_told_with_its_reason_and_a_forgotten_job_as_cancelled(
    database: Database, run_worker: Run, resources: Resources
) -> None:
    job_id = await submit(database, "sum")
    run_worker(job_type(stepwise))
    await ends_as(database, job_id, JobStatus.FAILED)
    [(event, _, data)] = await streamed(resources, job_id, None)
    assert (event, data["error"], data["result"]) == ("failed", "There is nothing to add.", None)
    async with database.acquire() as connection:
        found = await find_job(connection, job_id)
        assert found is not None
        assert data == JobOut.of(found).model_dump(mode="json")
        await connection.execute("DELETE FROM jobs")
    [(event, _, data)] = await streamed(resources, uuid4(), None)
    assert (event, data["status"]) == ("failed", "cancelled")


async def test_the_last_five_hundred_steps_are_kept(database: Database) -> None:
    job_id = await submit(database, "sum", delay=timedelta(hours=1))
    async with database.transaction() as connection:
        for _ in range(510):
            await connection.execute("UPDATE jobs SET progress_sequence = progress_sequence + 1")
    steps = await read_steps(database, job_id, 0)
    assert [step.sequence for step in steps] == list(range(11, 511))


async def test_an_end_that_was_taken_back_is_told_to_nobody(database: Database) -> None:
    job_id = await submit(database, "sum")
    async with database.acquire() as connection:
        for change in (
            "status = 'failed', finished_at = now()",
            "status = 'queued', finished_at = NULL",
            "status = 'cancelled', finished_at = now()",
        ):
            await connection.execute(f"UPDATE jobs SET progress_sequence = progress_sequence + 1, {change}")  # noqa: S608 - ours
    assert [step.status for step in await read_steps(database, job_id, 0)] == ["queued", "cancelled"]
