"""What breaks in the middle: a render that is cancelled, a worker that is killed, a loop that must not stop."""

import asyncio
import os
import signal as signals
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio

from reports.settings import ReportsSettings
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .story import ask, finished, new_id, running_worker

_FILL = """
    WITH orders AS (
        INSERT INTO seen_orders (id, user_id, status, total, currency, placed_at, paid_at, version)
        SELECT $1::bigint * 100000 + n, $1, 'paid', 10, 'EUR', now() - n * interval '1 hour', now(), 2
        FROM generate_series(1, $2) AS n RETURNING id
    )
    INSERT INTO seen_order_items SELECT id, 0, 1, 'TEA-1', 'Green tea', 1, 10 FROM orders
"""
MANY = 15_000
PDF_ROWS = 100_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def busy_user(quiet_database: asyncpg.Connection) -> int:
    """Someone whose order summary as PDF takes some seconds, niced: all of many thousand rows."""
    user_id = new_id()
    await quiet_database.execute("SET statement_timeout = 0")
    await quiet_database.execute(_FILL, user_id, MANY)
    return user_id


def patient(settings: ReportsSettings) -> ReportsSettings:
    """Settings under which a PDF holds all rows."""
    return settings.model_copy(update={"reports": settings.reports.model_copy(update={"pdf_rows": PDF_ROWS})})


async def rendering(api: httpx.AsyncClient, location: str, headers: dict[str, str]) -> None:
    """Wait until the report is at the step that takes long."""

    async def look() -> bool:
        return (await api.get(location, headers=headers)).json()["progress"] >= 60

    await eventually(look)


def started_at(pid: int) -> str:
    """When a process that lives began; empty of one that is gone. A number alone may be another's by now."""
    with suppress(OSError):
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in {"Z", "X"} else fields[18]
    return ""


def children(parent: int) -> set[int]:
    """Processes below this one."""
    found: set[int] = set()
    for _ in range(4):
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                if int(path.read_text().rpartition(")")[2].split()[1]) in {parent, *found}:
                    found.add(int(path.parent.name))
    return found


def has_open(pid: int, directory: Path) -> bool:
    """Whether a process reads or writes a file below a directory."""
    with suppress(OSError):
        return any(path.readlink().is_relative_to(directory) for path in Path(f"/proc/{pid}/fd").iterdir())
    return False


def render_in(place: Path) -> int | None:
    """The process of ours, if there is one by now, that writes the report of this directory."""
    return next((pid for pid in children(os.getpid()) if has_open(pid, place)), None)


async def test_deleting_a_report_kills_its_render(
    quiet_api: httpx.AsyncClient, signer: Signer, quiet_settings: ReportsSettings, busy_user: int, directory: Path
):
    headers = signer.headers(busy_user)
    async with running_worker(patient(quiet_settings)) as worker:
        location = (await ask(quiet_api, headers, "order_summary", "pdf")).headers["location"]
        place = directory / location.rpartition("/")[2]
        await rendering(quiet_api, location, headers)

        render = await eventually(lambda: render_in(place))
        # Paused it ends neither by itself nor by a polite word: it is killed or stays.
        os.kill(render, signals.SIGSTOP)
        assert (await quiet_api.delete(location, headers=headers)).status_code == 204
        assert (await quiet_api.get(location, headers=headers)).json()["status"] == "cancelled"

        async def gone() -> bool:
            return render not in children(os.getpid()) and not place.exists()

        await eventually(gone)
        # The pool has another process for the next one.
        after = (await ask(quiet_api, headers, "user_activity", "csv")).headers["location"]
        assert (await finished(quiet_api, after, headers))["status"] == "succeeded"
        assert (await worker.get("/health/ready")).status_code == 200


async def test_the_loop_turns_while_a_report_is_made(
    quiet_api: httpx.AsyncClient, signer: Signer, quiet_settings: ReportsSettings, busy_user: int, directory: Path
):
    headers = signer.headers(busy_user)
    async with running_worker(patient(quiet_settings)) as worker:
        location = (await ask(quiet_api, headers, "order_summary", "pdf")).headers["location"]
        await rendering(quiet_api, location, headers)
        # In the middle of its work, for as long as we like: a loop that did that work would stand still with it.
        render = await eventually(lambda: render_in(directory / location.rpartition("/")[2]))
        os.kill(render, signals.SIGSTOP)
        for _ in range(30):
            assert (await worker.get("/health/live")).status_code == 200
        assert (await quiet_api.get(location, headers=headers)).json()["status"] == "running"
        os.kill(render, signals.SIGCONT)
        assert (await quiet_api.delete(location, headers=headers)).status_code == 204


@asynccontextmanager
async def worker_of_its_own(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "reports.worker",
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def own_environment(environment: dict[str, str], quiet_settings: ReportsSettings) -> dict[str, str]:
    """Of a worker process of the quiet installation."""
    return {
        **environment,
        "DATABASE_URL": quiet_settings.postgres.url.get_secret_value(),
        "DATABASE_OWNER_URL": "",
        "AMQP_URL": quiet_settings.rabbit.url.get_secret_value(),
        "REPORTS_PDF_ROWS": str(PDF_ROWS),
        "REPORTS_LEASE_SECONDS": "60",
    }


async def end_leases(database: asyncpg.Connection) -> None:
    """Whoever is dead has been silent for too long; whoever lives does what it has in hand once more."""
    await database.execute("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE status = 'running'")


async def test_a_worker_killed_in_the_middle_loses_no_report(
    *,
    quiet_api: httpx.AsyncClient,
    quiet_database: asyncpg.Connection,
    signer: Signer,
    quiet_settings: ReportsSettings,
    own_environment: dict[str, str],
    busy_user: int,
    directory: Path,
):
    headers = signer.headers(busy_user)
    location = (await ask(quiet_api, headers, "order_summary", "pdf")).headers["location"]
    async with worker_of_its_own(own_environment) as worker:
        await rendering(quiet_api, location, headers)
        below = children(worker.pid)
        assert len(below) > 1, "it has a process that renders"
        began = {pid: started_at(pid) for pid in below}
        worker.send_signal(signals.SIGKILL)
        await worker.wait()

    async def orphans_gone() -> bool:
        return not any(start and started_at(pid) == start for pid, start in began.items())

    await eventually(orphans_gone)
    await end_leases(quiet_database)
    assert (await quiet_api.get(location, headers=headers)).json()["finished_at"] is None
    # What is to be shown is that another makes it anew, not how long all of its rows take once more.
    shorter = quiet_settings.model_copy(
        update={"reports": quiet_settings.reports.model_copy(update={"pdf_rows": 100, "lease_seconds": 60})}
    )
    async with running_worker(shorter):
        report = await finished(quiet_api, location, headers)
    assert (report["status"], report["progress"], report["error"]) == ("succeeded", 100, None)
    number = location.rpartition("/")[2]
    assert [path.name for path in (directory / number).iterdir()] == ["2.pdf"], "the second attempt's, and no rest"
    assert (await quiet_api.get(f"{location}/content", headers=headers)).content.startswith(b"%PDF")


async def test_a_report_that_cannot_be_stored_fails_with_a_word_for_its_owner(
    quiet_api: httpx.AsyncClient,
    signer: Signer,
    quiet_settings: ReportsSettings,
    tmp_path: Path,
):
    not_a_directory = tmp_path / "file"
    not_a_directory.write_text("")
    headers = signer.headers(new_id())
    location = (await ask(quiet_api, headers, "user_activity", "csv")).headers["location"]
    broken = quiet_settings.model_copy(
        update={"storage": quiet_settings.storage.model_copy(update={"directory": not_a_directory})}
    )
    async with running_worker(broken):
        report = await finished(quiet_api, location, headers)
    assert (report["status"], report["error"]) == ("failed", "The report could not be made.")
    stream = await quiet_api.get(f"{location}/events", headers=headers)
    assert "event: failed" in stream.text
    content = await quiet_api.get(f"{location}/content", headers=headers)
    assert (content.status_code, content.json()["code"]) == (409, "report_not_ready")


async def test_no_more_than_the_limit_wait(quiet_api: httpx.AsyncClient, signer: Signer):
    headers = signer.headers(new_id())
    answers = await asyncio.gather(*(ask(quiet_api, headers, "user_activity", "csv") for _ in range(30)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [202] * 20 + [409] * 10
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"too_many_reports"}
    location = next(answer.headers["location"] for answer in answers if answer.status_code == 202)
    assert (await quiet_api.delete(location, headers=headers)).status_code == 204
    assert (await ask(quiet_api, headers, "user_activity", "csv")).status_code == 202, "deleting makes room"


@pytest.mark.parametrize("number", [2, 8])
async def test_deleting_at_the_same_time_is_no_deadlock(quiet_api: httpx.AsyncClient, signer: Signer, number: int):
    headers = signer.headers(new_id())
    location = (await ask(quiet_api, headers, "user_activity", "csv")).headers["location"]
    answers = await asyncio.gather(*(quiet_api.delete(location, headers=headers) for _ in range(number)))
    assert {answer.status_code for answer in answers} <= {204, 404}
    assert 204 in {answer.status_code for answer in answers}
