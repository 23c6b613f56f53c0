"""Jobs: done once, tried again, cancelled, never lost, never finished by who lost the lease."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.jobs import JobContext, JobFailed, JobStatus, JobWorker, enqueue, request_cancel, store
from shared.messaging.wake import RelayWaker
from shared.postgres import Database
from shared.settings import PostgresSettings
from shared.testing.waiting import eventually

from .job_fixtures import Run, Sum, ends_as, job_type, note_end, row, status, submit
from .shop import effects, outbox_rows

QUICK = timedelta(milliseconds=50)


async def add(context: JobContext, payload: Sum) -> None:
    await context.progress(50, "adding")
    async with context.database.transaction() as connection:
        await connection.execute("INSERT INTO effects (what) VALUES ($1)", f"sum is {sum(payload.numbers)}")


async def test_a_job_is_done_and_its_end_is_one_with_the_hook(database: Database, run_worker: Run) -> None:
    job_id = await submit(database, "sum", 1, 2, 3)
    run_worker(job_type(add))
    found = await ends_as(database, job_id, JobStatus.SUCCEEDED)
    assert (found["percent"], found["attempt"], found["error"]) == (100, 1, None)
    assert found["started_at"] <= found["finished_at"]
    assert await effects(database) == ["sum is 6", "sum succeeded"]
    assert await outbox_rows(database) == 2, "the wake-up and what the hook said"


async def test_a_job_of_a_transaction_that_rolls_back_is_none(database: Database) -> None:
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await enqueue(connection, "sum", Sum())
        await transaction.rollback()
        assert await connection.fetchval("SELECT count(*) FROM jobs") == 0
    assert await outbox_rows(database) == 0


async def test_a_failure_is_tried_again_with_growing_pauses(database: Database, run_worker: Run) -> None:
    tried: list[float] = []

    async def third_time(_context: JobContext, _payload: Sum) -> None:
        tried.append(asyncio.get_running_loop().time())
        if len(tried) < 3:
            raise ValueError("the disk is full")

    job_id = await submit(database, "sum")
    run_worker(job_type(third_time, retry_delay=timedelta(milliseconds=300)))
    found = await ends_as(database, job_id, JobStatus.SUCCEEDED)
    assert found["attempt"] == 3
    assert found["error"] is None
    assert tried[1] - tried[0] >= 0.3
    assert tried[2] - tried[1] >= 0.6


async def test_after_the_last_attempt_it_failed_and_the_owner_reads_no_internals(
    database: Database, run_worker: Run
) -> None:
    async def fail(_context: JobContext, _payload: Sum) -> None:
        raise ValueError("password=hunter2")

    job_id = await submit(database, "sum")
    run_worker(job_type(fail, max_attempts=2, retry_delay=QUICK))
    found = await ends_as(database, job_id, JobStatus.FAILED)
    assert found["attempt"] == 2
    assert found["error"] == "ValueError: password=hunter2"
    assert "hunter2" not in found["message"]
    assert await effects(database) == ["sum failed The work could not be done."]


async def test_what_no_retry_helps_is_not_tried_again(database: Database, run_worker: Run) -> None:
    async def refuse(_context: JobContext, _payload: Sum) -> None:
        raise JobFailed("There is nothing to add.")

    job_id = await submit(database, "sum")
    run_worker(job_type(refuse))
    found = await ends_as(database, job_id, JobStatus.FAILED)
    assert found["attempt"] == 1
    assert found["message"] == "There is nothing to add."


async def test_a_payload_that_is_not_of_the_type_fails_the_job(database: Database, run_worker: Run) -> None:
    job_id = await submit(database, "sum")
    async with database.acquire() as connection:
        await connection.execute("UPDATE jobs SET payload = $1", {"numbers": "many"})
    run_worker(job_type(add))
    assert (await ends_as(database, job_id, JobStatus.FAILED))["attempt"] == 1


async def test_a_job_that_is_too_slow_counts_as_failed(database: Database, run_worker: Run) -> None:
    async def hang(_context: JobContext, _payload: Sum) -> None:
        await asyncio.sleep(3600)

    job_id = await submit(database, "sum")
    run_worker(job_type(hang, max_attempts=1, timeout=timedelta(milliseconds=200)))
    assert "TimeoutError" in (await ends_as(database, job_id, JobStatus.FAILED))["error"]


async def test_a_hook_that_fails_takes_the_status_back_with_it(database: Database, run_worker: Run) -> None:
    tried: list[str] = []

    async def hook(connection: object, job: object) -> None:
        await note_end(connection, job)  # type: ignore[arg-type]
        tried.append("")
        if len(tried) == 1:
            raise ValueError("the hook broke")

    job_id = await submit(database, "sum", 1)
    kind = job_type(add, retry_delay=QUICK)
    run_worker(type(kind)(**{**kind.__dict__, "on_finished": hook}))
    found = await ends_as(database, job_id, JobStatus.SUCCEEDED)
    assert found["attempt"] == 2
    assert await effects(database) == ["sum is 1", "sum is 1", "sum succeeded"]


async def test_of_the_same_key_one_waits_or_runs(database: Database, run_worker: Run) -> None:
    ids = await asyncio.gather(*(submit(database, "sum", 1, unique_key="user-7") for _ in range(12)))
    assert len(set(ids)) == 1
    assert await submit(database, "sum", 1, unique_key="user-8") != ids[0]
    run_worker(job_type(add))
    await ends_as(database, ids[0], JobStatus.SUCCEEDED)
    assert await submit(database, "sum", 1, unique_key="user-7") != ids[0]


async def test_each_of_many_jobs_is_done_once_by_several_workers(database: Database, run_worker: Run) -> None:
    for number in range(30):
        await submit(database, "sum", number)
    for _ in range(3):
        run_worker(job_type(add))
    await eventually(lambda: _finished(database), 30)
    done = [what for what in await effects(database) if what.startswith("sum is")]
    assert sorted(done) == sorted(f"sum is {number}" for number in range(30))


async def _finished(database: Database) -> int:
    async with database.acquire() as connection:
        return await connection.fetchval("SELECT count(*) FROM jobs WHERE status = 'succeeded'")


async def test_higher_priority_goes_first_and_a_delayed_job_waits(database: Database, run_worker: Run) -> None:
    delayed = await submit(database, "sum", 3, delay=timedelta(hours=1), priority=9)
    later = await submit(database, "sum", 2)
    await submit(database, "sum", 1, priority=5)
    run_worker(job_type(add), concurrency=1)
    await ends_as(database, later, JobStatus.SUCCEEDED)
    assert await status(database, delayed) == "queued"
    async with database.acquire() as connection:
        await connection.execute("UPDATE jobs SET run_at = now() WHERE id = $1", delayed)
    await ends_as(database, delayed, JobStatus.SUCCEEDED)
    done = [what for what in await effects(database) if what.startswith("sum is")]
    assert done == ["sum is 1", "sum is 2", "sum is 3"]


async def test_a_job_that_waits_is_cancelled_at_once(database: Database, run_worker: Run) -> None:
    job_id = await submit(database, "sum", 1)
    async with database.transaction() as connection:
        assert await request_cancel(connection, job_id, on_finished=note_end)
    assert await status(database, job_id) == "cancelled"
    assert await effects(database) == ["sum cancelled"]
    # One at a time and the oldest first: after the second, the first would have had its turn.
    second = await submit(database, "sum", 2)
    run_worker(job_type(add), concurrency=1)
    await ends_as(database, second, JobStatus.SUCCEEDED)
    assert await effects(database) == ["sum cancelled", "sum is 2", "sum succeeded"]
    async with database.transaction() as connection:
        assert not await request_cancel(connection, job_id)
        assert not await request_cancel(connection, uuid4())


async def test_a_job_that_runs_is_cancelled_long_before_its_end(database: Database, run_worker: Run) -> None:
    async def hang(_context: JobContext, _payload: Sum) -> None:
        await asyncio.sleep(3600)

    job_id = await submit(database, "sum")
    run_worker(job_type(hang))
    await eventually(lambda: status(database, job_id), "running")
    async with database.transaction() as connection:
        assert await request_cancel(connection, job_id)
    await ends_as(database, job_id, JobStatus.CANCELLED)
    assert await effects(database) == ["sum cancelled"]


async def test_who_lost_the_lease_writes_nothing_more(database: Database, run_worker: Run) -> None:
    ended: list[str] = []

    async def hang(context: JobContext, _payload: Sum) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("cancelled" if context.cancel_requested.is_set() else "?")

    job_id = await submit(database, "sum")
    worker = run_worker(job_type(hang))
    await eventually(lambda: status(database, job_id), "running")
    thief = uuid4()
    async with database.acquire() as connection:
        await connection.execute("UPDATE jobs SET locked_by = $1, attempt = attempt + 1", thief)
    await eventually(lambda: ended == ["cancelled"])
    await eventually(lambda: not worker._attempts)  # whatever it meant to write is written
    found = await row(database, job_id)
    assert (found["status"], found["locked_by"], await effects(database)) == ("running", thief, [])


async def test_a_worker_that_stops_gives_its_jobs_back_without_an_attempt(database: Database, run_worker: Run) -> None:
    async def hang(_context: JobContext, _payload: Sum) -> None:
        await asyncio.sleep(3600)

    job_id = await submit(database, "sum", 5)
    worker = run_worker(job_type(hang))
    await eventually(lambda: status(database, job_id), "running")
    await run_worker.stop(worker, seconds=0.1)
    found = await row(database, job_id)
    assert (found["status"], found["attempt"], found["locked_by"]) == ("queued", 0, None)
    assert await effects(database) == []


async def test_a_worker_that_stops_lets_its_jobs_end(database: Database, run_worker: Run) -> None:
    go_on = asyncio.Event()

    async def short(_context: JobContext, _payload: Sum) -> None:
        await go_on.wait()

    job_id = await submit(database, "sum")
    worker = run_worker(job_type(short))
    await eventually(lambda: status(database, job_id), "running")
    stopping = asyncio.create_task(run_worker.stop(worker, seconds=30))
    await eventually(lambda: worker not in run_worker.running)
    go_on.set()
    await stopping
    assert await status(database, job_id) == "succeeded"


async def test_postgres_cut_off_in_the_middle_changes_nothing(database: Database, run_worker: Run) -> None:
    job_id = await submit(database, "sum", 4)
    was_cut = asyncio.Event()

    async def cut(context: JobContext, payload: Sum) -> None:
        if not was_cut.is_set():
            async with context.database.acquire() as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'messaging-test' AND usename = current_user"
                    " AND pid <> pg_backend_pid()"
                )
            was_cut.set()
        # It may be handed a connection whose end the client has not read yet: then it is tried again.
        await add(context, payload)

    # The test looks through a pool of its own, which nobody cuts.
    url = PostgresSettings(url=database.url)  # pyright: ignore[reportCallIssue]
    looking = Database(url, application_name="looking")
    await looking.open()
    run_worker(job_type(cut, retry_delay=QUICK))
    await ends_as(looking, job_id, JobStatus.SUCCEEDED)
    assert was_cut.is_set()
    assert await effects(looking) == ["sum is 4", "sum succeeded"]
    await looking.close()


async def test_a_job_starts_without_a_message_by_looking(database: Database, run_worker: Run) -> None:
    worker = run_worker(job_type(add))
    await eventually(lambda: worker._leases is not None)
    job_id = await submit(database, "sum", 1)
    await ends_as(database, job_id, JobStatus.SUCCEEDED)


async def test_a_message_wakes_a_worker_that_hardly_looks(
    database: Database, run_worker: Run, woken_by_message: Callable[[JobWorker], Awaitable[None]]
) -> None:
    await woken_by_message(run_worker(job_type(add)))
    async with RelayWaker(database).running():
        job_id = await submit(database, "sum", 1)
        # Far below the hour after which it would look by itself.
        await ends_as(database, job_id, JobStatus.SUCCEEDED)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE jobs SET locked_by = gen_random_uuid()",
        "UPDATE jobs SET attempt = attempt + 1",
        "UPDATE jobs SET status = 'queued', lease_until = NULL, locked_by = NULL",
    ],
)
async def test_every_write_is_fenced_by_worker_and_attempt(database: Database, change: str) -> None:
    await submit(database, "sum")
    worker, kind = uuid4(), job_type(add)
    async with database.acquire() as connection:
        [job] = await store.claim(connection, worker, [kind], 1)
        assert await store.renew(connection, job, kind.lease)
        await connection.execute(change)
        assert not await store.renew(connection, job, kind.lease)
        assert await store.write_progress(connection, job, 50, "mine") is None
        assert await store.finish(connection, job, JobStatus.SUCCEEDED, None, "") is None
        assert not await store.requeue(connection, job, error=None, delay=QUICK, counts=True)
        assert await connection.fetchval("SELECT message FROM jobs") == ""
