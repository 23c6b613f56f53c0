"""The two stores of report files keep the same promises: a directory, and a bucket of a real S3 server."""

import os
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio

from reports import main
from reports.clean_up import delete_orphans
from reports.domain.report import ReportFormat
from reports.files.directory import DirectoryFiles
from reports.files.s3 import S3Files
from reports.files.store import ReportFiles, StoreUnavailable
from reports.settings import ReportsSettings
from shared.postgres import Database
from shared.testing.serving import running
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .seaweedfs import KEY, SECRET, SeaweedFS
from .story import ask, finished, new_id, running_worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the wheel of the S3 server is for Linux")

LARGE = bytes(range(256)) * 24_000
"""6 MB: put in parts, read in several pieces."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def s3_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SeaweedFS]:
    server = SeaweedFS(tmp_path_factory.mktemp("seaweedfs"))
    await server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def on_s3(
    s3_server: SeaweedFS, quiet_settings: ReportsSettings, make_settings: Callable[..., ReportsSettings]
) -> Callable[..., ReportsSettings]:
    """Settings of the quiet installation with its files in the bucket; more by name."""

    def make(directory: Path, prefix: str = "files", **more: str) -> ReportsSettings:
        told = {
            "REPORTS_DIR": str(directory),
            "REPORTS_STORE": f"s3://reports/{prefix}",
            "S3_ENDPOINT_URL": s3_server.url,
            "S3_ACCESS_KEY_ID": KEY,
            "S3_SECRET_ACCESS_KEY": SECRET,
        }
        found = make_settings(**told | more)
        return found.model_copy(update={"postgres": quiet_settings.postgres, "rabbit": quiet_settings.rabbit})

    return make


def s3_files(settings: ReportsSettings) -> S3Files:
    storage = settings.storage
    assert storage.bucket
    return S3Files(storage.bucket, storage.prefix, storage.directory, settings.s3)


@pytest.fixture(params=["directory", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> ReportFiles:
    if request.param == "directory":
        return DirectoryFiles(tmp_path)
    make: Callable[..., ReportsSettings] = request.getfixturevalue("on_s3")
    return s3_files(make(tmp_path, tmp_path.name))


async def keep(files: ReportFiles, report_id: int, attempt: int, content: bytes) -> str:
    workshop = await files.workshop(report_id, attempt)
    workshop.made.write_bytes(content)
    workshop.spool.write_text("what it was made of")
    return await files.store(workshop.made, report_id, attempt, ReportFormat.CSV)


async def content(files: ReportFiles, report_id: int, name: str, start: int, stop: int) -> bytes:
    return b"".join([piece async for piece in files.read(report_id, name, start, stop)])


async def test_what_is_kept_is_read_again_whole_and_in_parts(files: ReportFiles):
    assert not await files.exists(7, "1.csv")
    name = await keep(files, 7, 1, LARGE)
    assert name == "1.csv"
    assert await files.exists(7, name)
    assert await content(files, 7, name, 0, len(LARGE)) == LARGE
    assert await content(files, 7, name, 2_097_150, 4_194_310) == LARGE[2_097_150:4_194_310]
    assert await content(files, 7, name, len(LARGE) - 1, len(LARGE)) == LARGE[-1:]
    assert await content(files, 7, name, 5, 5) == b""


async def test_clearing_up_keeps_what_is_named_and_touches_no_other_report(files: ReportFiles, tmp_path: Path):
    kept = await keep(files, 7, 2, b"second")
    await keep(files, 7, 1, b"first")
    other = await keep(files, 71, 1, b"of another, whose number begins alike")
    await files.clear_up(7, kept)
    assert await content(files, 7, kept, 0, 6) == b"second"
    assert not await files.exists(7, "1.csv")
    assert not (tmp_path / "7" / "attempt-1").exists(), "what was made on the way is gone"
    await files.clear_up(7, None)
    assert not await files.exists(7, kept)
    assert not (tmp_path / "7").exists()
    assert await files.exists(71, other)
    await files.clear_up(7, None)


async def test_a_file_that_goes_while_it_is_read_is_an_error_and_no_short_file(files: ReportFiles):
    name = await keep(files, 8, 1, LARGE)
    pieces = files.read(8, name, 0, len(LARGE) + 1)
    assert (await anext(pieces))[:4] == LARGE[:4]
    await files.clear_up(8, None)
    with pytest.raises((FileNotFoundError, EOFError)):
        async for _ in pieces:
            pass


async def test_leftovers_are_told_by_their_age(files: ReportFiles, tmp_path: Path):
    await keep(files, 9, 1, b"x")
    assert await files.older_than(timedelta(hours=1)) == []
    if (tmp_path / "9" / "1.csv").exists():
        os.utime(tmp_path / "9", (0, 0))
    assert await eventually(lambda: files.older_than(timedelta(seconds=1))) == [9]


async def test_orphans_in_the_bucket_go(
    on_s3: Callable[..., ReportsSettings], quiet_api: httpx.AsyncClient, tmp_path: Path
):
    assert quiet_api, "it has applied the migrations"
    settings = on_s3(tmp_path, tmp_path.name)
    files = s3_files(settings)

    class Old(S3Files):
        async def older_than(self, age: timedelta) -> list[int]:  # noqa: ARG002 - an hour is too long to wait for
            return await super().older_than(timedelta(seconds=-60))

    name = await keep(files, 10**15, 1, b"x")
    database = Database(settings.postgres, application_name="s3-test")
    await database.open()
    async with database.acquire() as connection:
        old = Old("reports", tmp_path.name, tmp_path, settings.s3)
        assert await delete_orphans(old, connection, 10) == 1
    await database.close()
    assert not await files.exists(10**15, name)


async def test_a_key_that_is_not_right_is_no_lost_file(on_s3: Callable[..., ReportsSettings], tmp_path: Path):
    wrong = s3_files(on_s3(tmp_path, S3_SECRET_ACCESS_KEY="another"))
    with pytest.raises(StoreUnavailable):
        await wrong.exists(1, "1.csv")
    with pytest.raises(StoreUnavailable):
        await keep(wrong, 1, 1, b"x")


async def test_reports_in_s3_from_asking_to_deleting_with_the_server_away_in_between(
    *,
    on_s3: Callable[..., ReportsSettings],
    s3_server: SeaweedFS,
    signer: Signer,
    quiet_database: asyncpg.Connection,
    tmp_path: Path,
):
    settings = on_s3(tmp_path / "worker", S3_TIMEOUT_SECONDS="2")
    files = s3_files(settings)
    serving = on_s3(tmp_path / "api", S3_TIMEOUT_SECONDS="2")
    headers = signer.headers(new_id())
    async with running(main.create_application(serving, signer)) as api, running_worker(settings):
        s3_server.stop()
        location = (await ask(api, headers, "order_summary", "csv")).headers["location"]
        await eventually(partial(_storing, api, location, headers), seconds=400)
        assert (await api.get("/health/ready")).status_code == 200, "the rest of the service goes on"
        await s3_server.start()
        assert (await finished(api, location, headers))["status"] == "succeeded"
        whole = await api.get(f"{location}/content", headers=headers)
        assert whole.status_code == 200
        assert whole.content.startswith(b"order_id")
        tag = whole.headers["etag"]
        part = await api.get(f"{location}/content", headers={**headers, "Range": "bytes=2-5", "If-Range": tag})
        assert (part.status_code, part.content) == (206, whole.content[2:6])
        several = await api.get(f"{location}/content", headers={**headers, "Range": "bytes=0-1,5-6"})
        assert int(several.headers["content-length"]) == len(several.content)
        same = await api.get(f"{location}/content", headers={**headers, "If-None-Match": tag})
        assert same.status_code == 304
        report_id = int(location.rpartition("/")[2])
        assert not list((tmp_path / "worker" / str(report_id)).glob("*")), "nothing of the making is left"

        s3_server.stop()
        away = await api.get(f"{location}/content", headers=headers)
        assert (away.status_code, away.json()["code"]) == (503, "report_store_unavailable")
        assert away.headers["retry-after"] == "5"
        refused = await api.delete(location, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "report_store_unavailable")
        assert (await api.get(location, headers=headers)).status_code == 200, "what could not be deleted is still there"

        await s3_server.start()
        name = await quiet_database.fetchval("SELECT file_name FROM reports WHERE id = $1", report_id)
        assert await files.exists(report_id, name)
        assert (await api.delete(location, headers=headers)).status_code == 204
        assert not await files.exists(report_id, name)


async def _storing(api: httpx.AsyncClient, location: str, headers: dict[str, str]) -> bool:
    return (await api.get(location, headers=headers)).json()["progress"] >= 90
