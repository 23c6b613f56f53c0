"""Turns, deadlines, bounds of a type, results and checkpoints; a worker that was paused for too long."""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from shared.jobs import JobContext, JobStatus, enqueue, store
from shared.postgres import Database
from shared.testing.waiting import PATIENCE_SECONDS, eventually

from .job_fixtures import Run, Sum, end_leases, ends_as, job_type, row, status, submit
from .shop import effects
from .test_job_processes import StartProgram, start_program  # noqa: F401 - a fixture

QUICK = timedelta(milliseconds=50)


async def nothing(_context: JobContext, _payload: Sum) -> None:
    pass


async def claimed(database: Database, limit: int) -> list[Any]:
    async with database.transaction() as connection:
        jobs = await store.claim(connection, uuid4(), [job_type(nothing)], limit)
    return [job.id for job in jobs]


async def age(database: Database, job_id: object, minutes: int) -> None:
    async with database.acquire() as connection:
        await connection.execute(
            "UPDATE jobs SET run_at = run_at - $2::interval, turn = turn - $2::interval WHERE id = $1",
            job_id,
            timedelta(minutes=minutes),
        )


async def test_a_point_of_priority_is_a_minute_of_waiting_so_that_none_waits_for_ever(database: Database) -> None:
    waited_long = await submit(database, "sum")
    waited_little = await submit(database, "sum")
    urgent = await submit(database, "sum", priority=5)
    await age(database, waited_long, 6)
    await age(database, waited_little, 4)
    assert [await claimed(database, 1) for _ in range(3)] == [[waited_long], [urgent], [waited_little]]


async def test_a_priority_beyond_all_measure_is_refused(database: Database) -> None:
    for priority in (1001, -1001):
        with pytest.raises(ValueError, match="priority"):
            await submit(database, "sum", priority=priority)


async def test_a_type_takes_no_more_places_than_it_has(database: Database, run_worker: Run) -> None:
    running, most = 0, 0
    go_on = asyncio.Event()

    async def one_at_a_time(_context: JobContext, _payload: Sum) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go_on.wait()
        running -= 1

    slow = [await submit(database, "slow") for _ in range(3)]
    other = await submit(database, "other")
    run_worker(job_type(one_at_a_time, name="slow", concurrency=1), job_type(nothing, name="other"), concurrency=4)
    await ends_as(database, other, JobStatus.SUCCEEDED)
    assert sorted([await status(database, job) for job in slow]) == ["queued", "queued", "running"]
    go_on.set()
    for job in slow:
        await ends_as(database, job, JobStatus.SUCCEEDED)
    assert most == 1


async def test_a_job_that_waits_beyond_its_deadline_fails_though_no_place_is_free(
    database: Database, run_worker: Run
) -> None:
    async def hang(_context: JobContext, _payload: Sum) -> None:
        await asyncio.sleep(3600)

    hanging = await submit(database, "sum")
    run_worker(job_type(hang), concurrency=1)
    await eventually(lambda: status(database, hanging), "running")
    late = await submit(database, "sum", delay=timedelta(hours=1), deadline=QUICK)
    found = await ends_as(database, late, JobStatus.FAILED)
    assert (found["message"], found["started_at"]) == ("The work was not done by its deadline.", None)
    assert await effects(database) == ["sum failed The work was not done by its deadline."]


async def test_a_job_that_runs_beyond_its_deadline_is_ended(database: Database, run_worker: Run) -> None:
    async def hang(_context: JobContext, _payload: Sum) -> None:
        await asyncio.sleep(3600)

    run_worker(job_type(hang))
    found: dict[str, Any] = {"started_at": None}
    # One that a busy machine did not even begin in its time is the test's before this one.
    for seconds in (1.5, 6, 24, 96):
        if found["started_at"] is None:
            job_id = await submit(database, "sum", deadline=timedelta(seconds=seconds))
            found = await ends_as(database, job_id, JobStatus.FAILED)
    assert found["started_at"] is not None
    assert (found["message"], found["attempt"]) == ("The work was not done by its deadline.", 1)


async def test_a_late_answer_of_its_own_is_no_missed_deadline(database: Database, run_worker: Run) -> None:
    async def times_out(_context: JobContext, _payload: Sum) -> None:
        raise TimeoutError("the printer does not answer")

    job_id = await submit(database, "sum", deadline=timedelta(hours=1))
    run_worker(job_type(times_out, max_attempts=1))
    assert "printer" in (await ends_as(database, job_id, JobStatus.FAILED))["error"]


async def test_an_end_that_was_asked_for_while_it_waits_is_the_workers_to_write(
    database: Database, run_worker: Run
) -> None:
    job_id = await submit(database, "sum", delay=timedelta(hours=1))
    async with database.acquire() as connection:
        await connection.execute("UPDATE jobs SET cancel_requested = true")
    run_worker(job_type(nothing))
    await ends_as(database, job_id, JobStatus.CANCELLED)
    assert await effects(database) == ["sum cancelled"]


async def test_what_a_handler_leaves_is_kept_when_it_succeeds_alone(database: Database, run_worker: Run) -> None:
    async def leave(context: JobContext, payload: Sum) -> None:
        with pytest.raises(ValueError, match="too many"):
            context.finish_with("x" * 70_000)
        context.finish_with({"sum": sum(payload.numbers)})
        if not payload.numbers:
            raise ValueError("nothing to add")

    good, bad = await submit(database, "sum", 1, 2), await submit(database, "sum")
    run_worker(job_type(leave, max_attempts=1))
    assert (await ends_as(database, good, JobStatus.SUCCEEDED))["result"] == {"sum": 3}
    assert (await ends_as(database, bad, JobStatus.FAILED))["result"] is None


async def test_a_job_goes_on_from_its_checkpoint(database: Database, run_worker: Run) -> None:
    done: list[int] = []

    async def step_by_step(context: JobContext, payload: Sum) -> None:
        for index in range(context.checkpointed or 0, len(payload.numbers)):
            async with context.transaction() as connection:
                done.append(payload.numbers[index])
                await context.checkpoint(index + 1, connection)
            if index == 1 and context.attempt == 1:
                raise OSError("the lights went out")

    job_id = await submit(database, "sum", 10, 20, 30, 40)
    run_worker(job_type(step_by_step, retry_delay=QUICK))
    await ends_as(database, job_id, JobStatus.SUCCEEDED)
    assert done == [10, 20, 30, 40]


async def test_nobody_takes_a_job_over_while_its_transaction_is_open(database: Database) -> None:
    """A worker whose lease runs out in the middle of its writing is waited for; one that lost it writes nothing."""
    async with database.transaction() as connection:
        await enqueue(connection, "sum", Sum())
        [job] = await store.claim(connection, uuid4(), [job_type(nothing)], 1)
        await connection.execute("UPDATE jobs SET lease_until = now() - interval '1 second'")
    async with database.transaction() as writing:
        assert await store.hold(writing, job)
        assert await claimed(database, 1) == []
        async with database.acquire() as other:
            assert await store.renew(other, job, QUICK), "a lease can be renewed meanwhile"
            await other.execute("UPDATE jobs SET lease_until = now() - interval '1 second'")
    assert await claimed(database, 1) == [job.id]
    async with database.transaction() as writing:
        assert not await store.hold(writing, job)


async def test_a_worker_that_was_paused_for_too_long_changes_nothing(
    database: Database,
    run_worker: Run,
    start_program: StartProgram,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    job_id = await submit(database, "program.pause-first")
    process = await start_program()
    await eventually((tmp_path / "paused").exists)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        await end_leases(database)
        run_worker(job_type(nothing, name="program.pause-first"))
        await ends_as(database, job_id, JobStatus.SUCCEEDED)
        before = await row(database, job_id)
        assert before["attempt"] == 2
        (tmp_path / "go-on").touch()
    finally:
        os.kill(process.pid, signal.SIGCONT)
    await eventually((tmp_path / "tried").exists)
    process.terminate()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await process.wait()
    # The write finds the lease gone, or the worker found that before and ended the write.
    assert (tmp_path / "tried").read_text() in {"JobCancelled", "CancelledError"}
    assert await row(database, job_id) == before
    assert await effects(database) == ["program.pause-first succeeded"]
