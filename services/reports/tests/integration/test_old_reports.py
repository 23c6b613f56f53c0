"""Old reports go with their files, files without a report go too, and nothing else does."""

import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest_asyncio

from reports.clean_up import delete_old_reports, delete_orphans
from reports.files.directory import DirectoryFiles
from reports.settings import ReportsSettings
from shared.postgres import Connection, Database
from shared.testing.tokens import Signer

from .story import ask, new_id

_FINISHED = """
    INSERT INTO reports
        (user_id, type, format, params, everyone, status, file_name, file_size, file_sha256, finished_at)
    VALUES ($1, 'sales', 'csv', '{}', false, 'succeeded', '1.csv', 3, 'x', now() - $2::interval) RETURNING id
"""
KEEP = timedelta(days=90)


@pytest_asyncio.fixture
async def connection(quiet_api: httpx.AsyncClient, quiet_settings: ReportsSettings) -> AsyncIterator[Connection]:
    assert quiet_api, "it has applied the migrations"
    database = Database(quiet_settings.postgres, application_name="clean-up-test")
    await database.open()
    async with database.acquire() as connection:
        yield connection
    await database.close()


def put(root: Path, report_id: int, *, hours: float = 0) -> Path:
    path = root / str(report_id) / "1.csv"
    path.parent.mkdir()
    path.write_text("a,b")
    then = time.time() - hours * 3600
    os.utime(path.parent, (then, then))
    return path


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


async def test_what_is_old_goes_with_its_file_and_what_is_not_stays(
    quiet_api: httpx.AsyncClient,
    quiet_database: asyncpg.Connection,
    connection: Connection,
    signer: Signer,
    tmp_path: Path,
):
    user_id = new_id()
    old = [await quiet_database.fetchval(_FINISHED, user_id, timedelta(days=days)) for days in (91, 400, 92)]
    young = await quiet_database.fetchval(_FINISHED, user_id, timedelta(days=89))
    headers = signer.headers(user_id)
    waiting = int((await ask(quiet_api, headers, "user_activity", "csv")).headers["location"].rpartition("/")[2])
    await quiet_database.execute("UPDATE reports SET created_at = now() - interval '1 year' WHERE id = $1", waiting)
    paths = {report_id: put(tmp_path, report_id) for report_id in (*old, young)}
    files = DirectoryFiles(tmp_path)
    assert await delete_old_reports(files, KEEP, connection, 2) == 2, "the oldest first, and no more than asked for"
    assert [report_id for report_id in old if paths[report_id].exists()] == [old[0]]
    assert await delete_old_reports(files, KEEP, connection, 2) == 1
    assert await delete_old_reports(files, KEEP, connection, 2) == 0
    assert names(tmp_path) == {str(young)}
    left = await quiet_database.fetch("SELECT id FROM reports WHERE user_id = $1 ORDER BY id", user_id)
    assert [row["id"] for row in left] == [young, waiting]
    assert (await quiet_api.delete(f"/api/v1/reports/{waiting}", headers=headers)).status_code == 204


async def test_a_directory_without_a_report_goes_once_nobody_works_in_it(
    quiet_database: asyncpg.Connection, connection: Connection, tmp_path: Path
):
    kept = await quiet_database.fetchval(_FINISHED, new_id(), timedelta(days=1))
    gone = [10**15 + number for number in range(3)]
    for report_id in gone:
        put(tmp_path, report_id, hours=2)
    put(tmp_path, kept, hours=2)
    put(tmp_path, 10**15 + 9, hours=0)
    (tmp_path / ".matplotlib").mkdir()
    files = DirectoryFiles(tmp_path)
    assert await delete_orphans(files, connection, 2) == 2
    assert await delete_orphans(files, connection, 2) == 1
    assert names(tmp_path) == {str(kept), str(10**15 + 9), ".matplotlib"}


async def test_a_user_s_files_have_a_bound(
    quiet_api: httpx.AsyncClient, quiet_database: asyncpg.Connection, signer: Signer
):
    user_id = new_id()
    headers = signer.headers(user_id)
    full = await quiet_database.fetchval(_FINISHED, user_id, timedelta(days=1))
    await quiet_database.execute("UPDATE reports SET file_size = 500000000 WHERE id = $1", full)
    answer = await ask(quiet_api, headers, "user_activity", "csv")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_report_files")
    assert (await quiet_api.delete(f"/api/v1/reports/{full}", headers=headers)).status_code == 204
    again = await ask(quiet_api, headers, "user_activity", "csv")
    assert again.status_code == 202, "deleting makes room"
