"""``python -m shared.jobs``: what people on call see of jobs and do with them."""

import asyncio
from uuid import uuid4

import pytest

from shared.jobs import JobContext, JobFailed, JobStatus
from shared.jobs.__main__ import main
from shared.postgres import Database
from shared.testing.waiting import eventually

from .job_fixtures import Run, Sum, ends_as, job_type, status, submit
from .shop import effects


@pytest.fixture(autouse=True)
def _environment(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database.url)


async def call(*arguments: object) -> int:
    return await asyncio.to_thread(main, [str(argument) for argument in arguments])


async def test_list_and_show_say_what_there_is(
    database: Database, run_worker: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuse(context: JobContext, _payload: Sum) -> None:
        await context.progress(40, "adding")
        await context.tell()
        raise JobFailed("There is nothing to add.")

    failed = await submit(database, "sum", 1)
    worker = run_worker(job_type(refuse))
    await ends_as(database, failed, JobStatus.FAILED)
    await eventually(lambda: not worker._attempts)  # its last line is logged
    waits = await submit(database, "wait")
    capsys.readouterr()  # what the worker logged
    assert await call("list") == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == [str(waits), str(failed), "2"]
    assert "JobFailed: There is nothing to add." in listed[1]
    assert await call("list", "--status", "queued", "--type", "wait", "--limit", 1) == 0
    assert str(failed) not in capsys.readouterr().out
    assert await call("show", failed) == 0
    shown = capsys.readouterr().out
    assert '{"numbers": [1]}' in shown
    assert [line.split()[2] for line in shown.splitlines() if line.startswith("  ")] == ["running", "running", "failed"]
    assert " 40 %  adding" in shown


async def test_cancel_ends_what_waits_with_its_hook(
    database: Database, run_worker: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = await submit(database, "sum")
    assert await call("cancel", job_id) == 0
    assert await status(database, job_id) == "queued", "its worker ends it, who knows the hook"

    async def never(_context: JobContext, _payload: Sum) -> None:
        raise AssertionError("it was cancelled")

    run_worker(job_type(never))
    await ends_as(database, job_id, JobStatus.CANCELLED)
    assert await effects(database) == ["sum cancelled"]
    assert await call("cancel", job_id) == 1
    assert "no job" in capsys.readouterr().err


async def test_retry_lets_a_failed_one_try_again_with_all_its_attempts(database: Database, run_worker: Run) -> None:
    broken = True

    async def mended_later(_context: JobContext, _payload: Sum) -> None:
        if broken:
            raise JobFailed("The machine is broken.")

    job_id = await submit(database, "sum")
    run_worker(job_type(mended_later))
    await ends_as(database, job_id, JobStatus.FAILED)
    broken = False
    assert await call("retry", job_id) == 0
    found = await ends_as(database, job_id, JobStatus.SUCCEEDED)
    assert (found["attempt"], found["error"]) == (1, None)
    assert await effects(database) == ["sum failed The machine is broken.", "sum succeeded"]
    assert await call("retry", job_id) == 1, "it succeeded"


async def test_a_retry_beside_another_of_its_key_is_refused_in_words(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    first = await submit(database, "sum", unique_key="user-7")
    async with database.acquire() as connection:
        await connection.execute("UPDATE jobs SET status = 'failed', finished_at = now()")
    await submit(database, "sum", unique_key="user-7")
    assert await call("retry", first) == 1
    assert "another job with the key" in capsys.readouterr().err
    assert await status(database, first) == "failed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["list", "--status", "lost"], "invalid"),
        (["list", "--limit", "0"], "from 1 to 1000"),
        (["show", "17"], "invalid UUID"),
        (["retry"], "required"),
        (["drop", str(uuid4())], "invalid choice"),
    ],
)
def test_bad_input_is_told_in_words(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


async def test_what_is_not_there_is_told_in_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("show", "cancel", "retry"):
        assert await call(command, uuid4()) == 1
        assert "there is no job" in capsys.readouterr().err
    monkeypatch.setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
    monkeypatch.setattr("shared.jobs.__main__.CONNECT_SECONDS", 0.2)
    assert await call("list") == 2
    assert "does not answer" in capsys.readouterr().err
