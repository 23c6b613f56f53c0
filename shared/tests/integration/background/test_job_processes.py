"""Heavy work in processes of its own, killed with its job and with its worker."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pebble import ProcessPool

from shared.jobs import JobContext, JobStatus, request_cancel
from shared.jobs import processes as job_processes
from shared.jobs.memory import OutOfMemory
from shared.jobs.processes import Processes
from shared.postgres import Database
from shared.testing.waiting import PATIENCE_SECONDS, eventually

from .job_fixtures import Run, Sum, end_leases, ends_as, job_type, row, status, submit
from .shop import effects

PROGRAM = Path(__file__).parent / "worker_program.py"
SLEEP_AND_TELL = "[open({path!r}, 'w').write(str(__import__('os').getpid())), __import__('time').sleep(3600)]"


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the latter when it ends between the opening and the reading
        return False
    return state not in {"Z", "X"}


async def told_pid(path: Path) -> int:
    # The program, the server of forks and the new process import everything one after the other.
    return int(await eventually(lambda: path.read_text() if path.exists() else ""))


async def test_8_heavy_work_leaves_the_loop_free(database: Database, run_worker: Run) -> None:
    """TRAPS.md, RabbitMQ 8: CPU work on the loop kills the connection."""
    turns: list[float] = []

    async def heavy(context: JobContext, _payload: Sum) -> None:
        work = asyncio.create_task(context.run_in_process(eval, "sum(range(30_000_000))"))
        while not work.done():
            await asyncio.sleep(0.01)
            turns.append(asyncio.get_running_loop().time())
        assert await work == sum(range(30_000_000))

    job_id = await submit(database, "sum")
    run_worker(job_type(heavy, max_attempts=1))
    await ends_as(database, job_id, JobStatus.SUCCEEDED)
    assert len(turns) > 5, "it turned while the work was done, however slowly: not once before and once after"


async def test_what_the_process_raises_is_raised(database: Database, run_worker: Run) -> None:
    async def divide(context: JobContext, _payload: Sum) -> None:
        await context.run_in_process(eval, "1 / 0")

    job_id = await submit(database, "sum")
    run_worker(job_type(divide, max_attempts=1))
    assert "ZeroDivisionError" in (await ends_as(database, job_id, JobStatus.FAILED))["error"]


async def test_a_process_that_dies_fails_the_attempt_and_the_next_has_a_new_one(
    database: Database, run_worker: Run
) -> None:
    async def dies_first(context: JobContext, _payload: Sum) -> None:
        if context.attempt == 1:
            await context.run_in_process(eval, "__import__('os').kill(__import__('os').getpid(), 9)")
        assert await context.run_in_process(eval, "6 * 7") == 42

    job_id = await submit(database, "sum")
    run_worker(job_type(dies_first, retry_delay=timedelta(milliseconds=50)))
    assert (await ends_as(database, job_id, JobStatus.SUCCEEDED))["attempt"] == 2


async def test_a_job_beyond_its_memory_fails_in_words_and_its_neighbours_live(
    database: Database, run_worker: Run
) -> None:
    both = asyncio.Barrier(2)

    async def greedy(context: JobContext, _payload: Sum) -> None:
        await both.wait()
        await context.run_in_process(eval, "len([bytearray(1_000_000) for _ in range(2_000)])")

    async def modest(context: JobContext, _payload: Sum) -> None:
        await both.wait()
        assert await context.run_in_process(eval, "len([bytearray(1_000_000) for _ in range(60)])") == 60

    too_much = await submit(database, "greedy")
    enough = await submit(database, "modest")
    run_worker(job_type(greedy, name="greedy", memory_limit=200), job_type(modest, name="modest", memory_limit=200))
    found = await ends_as(database, too_much, JobStatus.FAILED)
    assert (found["attempt"], found["message"]) == (1, "The work needs more memory than the 200 MB it may have.")
    await ends_as(database, enough, JobStatus.SUCCEEDED)


async def test_the_limit_is_one_jobs_and_not_that_of_the_next_in_its_process() -> None:
    only = Processes(1)
    which = "__import__('os').getpid()"
    try:
        limited = await only.run(eval, which, memory_limit=100)
        with pytest.raises(OutOfMemory):
            await only.run(eval, "bytearray(300_000_000)", memory_limit=100)
        assert await only.run(eval, f"[{which}, bytearray(300_000_000)][0]") == limited
    finally:
        await only.close()


async def test_the_loop_goes_on_while_the_processes_start(monkeypatch: pytest.MonkeyPatch) -> None:
    starts, seen = threading.Event(), threading.Event()

    class Slow(ProcessPool):
        @property
        def active(self) -> bool:
            starts.set()
            assert seen.wait(PATIENCE_SECONDS), "the loop stood still meanwhile: no lease would have been renewed"
            return super().active

        def schedule(self, *args: Any, **options: Any) -> Any:
            assert starts.is_set(), "started on the loop, by its first task"
            return super().schedule(*args, **options)

    monkeypatch.setattr(job_processes, "ProcessPool", Slow)
    slow = Processes(1)
    running = asyncio.create_task(slow.run(eval, "6 * 7"))
    try:
        await eventually(starts.is_set)
        seen.set()
        assert await running == 42
    finally:
        seen.set()
        await asyncio.gather(running, return_exceptions=True)
        await slow.close()


async def test_cancelling_kills_the_process(database: Database, run_worker: Run, tmp_path: Path) -> None:
    path = tmp_path / "pid"

    async def hang(context: JobContext, _payload: Sum) -> None:
        await context.run_in_process(eval, SLEEP_AND_TELL.format(path=str(path)))

    job_id = await submit(database, "sum")
    run_worker(job_type(hang))
    pid = await told_pid(path)
    assert alive(pid)
    async with database.transaction() as connection:
        assert await request_cancel(connection, job_id)
    await ends_as(database, job_id, JobStatus.CANCELLED)
    await eventually(lambda: not alive(pid))


async def test_a_late_job_has_its_process_killed(database: Database, run_worker: Run, tmp_path: Path) -> None:
    path = tmp_path / "pid"

    async def hang(context: JobContext, _payload: Sum) -> None:
        await context.run_in_process(eval, SLEEP_AND_TELL.format(path=str(path)))

    told = ""
    # In a short time a busy machine does not even begin.
    for seconds in (1.5, 6, 24, 96):
        kind = job_type(hang, name=f"late-{seconds}", max_attempts=1, timeout=timedelta(seconds=seconds))
        worker = run_worker(kind)
        # Its seconds are not for the start of the processes.
        assert await worker._processes.run(len, "four") == 4
        await ends_as(database, await submit(database, kind.name), JobStatus.FAILED)
        told = path.read_text() if path.exists() else ""
        if told:
            break
    await eventually(lambda: not alive(int(told)))


StartProgram = Callable[[], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def start_program(
    database: Database, redis_url: str, amqp_url: str, tmp_path: Path
) -> AsyncIterator[StartProgram]:
    """Starts a whole worker process as services have it."""
    async with _programs(database, redis_url, amqp_url, tmp_path) as start:
        yield start


@asynccontextmanager
async def _programs(database: Database, redis_url: str, amqp_url: str, path: Path) -> AsyncIterator[StartProgram]:
    started: list[asyncio.subprocess.Process] = []
    environment = {
        **os.environ,
        "DATABASE_URL": database.url,
        "REDIS_URL": redis_url,
        "AMQP_URL": amqp_url,
        "TOKEN_ISSUER": "http://issuer.test",
        "HTTP_PORT": "0",
        "PID_FILE": str(path / "child"),
        "HTTP_DRAIN_SECONDS": "1",
    }

    async def start() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), env=environment)
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_a_job_whose_worker_is_killed_is_taken_over(
    database: Database, start_program: StartProgram, tmp_path: Path
) -> None:
    """TRAPS.md, RabbitMQ 6: a long job holds a lease in Postgres, and no message."""
    job_id = await submit(database, "program.hang-first")
    killed = await start_program()
    child = await told_pid(tmp_path / "child")
    assert (await row(database, job_id))["attempt"] == 1
    killed.kill()
    await killed.wait()
    await eventually(lambda: not alive(child))
    await end_leases(database)
    await start_program()
    found = await ends_as(database, job_id, JobStatus.SUCCEEDED)
    assert found["attempt"] == 2
    assert await effects(database) == ["program.hang-first succeeded"]


async def test_a_worker_told_to_stop_gives_its_job_back_at_once(
    database: Database, start_program: StartProgram, tmp_path: Path
) -> None:
    job_id = await submit(database, "program.hang-first")
    stopped = await start_program()
    child = await told_pid(tmp_path / "child")
    stopped.terminate()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await stopped.wait() in {0, -signal.SIGTERM}
    found = await row(database, job_id)
    assert (found["status"], found["attempt"], found["locked_by"]) == ("queued", 0, None)
    await eventually(lambda: not alive(child))
    assert await status(database, job_id) == "queued"


async def test_a_job_that_kills_its_worker_each_time_is_given_up(database: Database, run_worker: Run) -> None:
    job_id = await submit(database, "sum")
    async with database.acquire() as connection:
        await connection.execute(
            "UPDATE jobs SET status = 'running', attempt = 3, locked_by = gen_random_uuid(),"
            " lease_until = now() - interval '1 second'"
        )

    async def never(_context: JobContext, _payload: Sum) -> None:
        raise AssertionError("it must not be tried a fourth time")

    run_worker(job_type(never, max_attempts=3))
    found = await ends_as(database, job_id, JobStatus.FAILED)
    assert "the worker died" in found["error"]
    assert await effects(database) == ["sum failed The work could not be done."]


def test_a_process_writes_no_line_of_its_own(tmp_path: Path):
    """A worker's log is JSON: the interpreter's warning that the program was imported before is none."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "program.py").write_text(
        "import asyncio\n"
        "from shared.jobs.processes import Processes\n"
        "async def main():\n"
        "    processes = Processes(1)\n"
        "    print(await processes.run(len, 'four'))\n"
        "    await processes.close()\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    command = [sys.executable, "-m", "shop.program"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("4\n", "")
