"""Avatars over HTTP with the real worker: uploaded, watched, shown, replaced, removed; a stranger's bytes refused."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from PIL import Image

from shared.jobs import JobFailed
from shared.postgres import Connection, Database
from shared.testing.waiting import eventually
from users.api.v1 import avatars as routes
from users.avatar_files import AvatarFiles
from users.jobs.avatar_payloads import MakeAvatar
from users.jobs.make_avatar import make_job

from .people import PASSWORD, Account, Accounts
from .pictures import BLUE, RED, bomb, moving, picture

PNG = {"Content-Type": "image/png"}


def path_of(account: Account) -> str:
    return f"/api/v1/users/{account.id}/avatar"


async def upload(client: httpx.AsyncClient, account: Account, content: Any, **headers: str) -> httpx.Response:
    return await client.put(path_of(account), content=content, headers={**account.headers, **PNG, **headers})


async def ended(client: httpx.AsyncClient, account: Account) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        job = (await client.get(f"{path_of(account)}/job", headers=account.headers)).json()
        return job if job["finished_at"] else None

    return await eventually(look)


def colour_of(content: bytes) -> tuple[int, ...]:
    pixel = Image.open(io.BytesIO(content)).convert("RGB").getpixel((5, 5))
    assert isinstance(pixel, tuple)
    return RED if pixel[0] > pixel[2] else BLUE


@pytest.fixture
def directory(environment: dict[str, str]) -> Path:
    return Path(environment["AVATARS_DIR"])


def left(directory: Path, account: Account) -> list[str]:
    with suppress(FileNotFoundError):  # the worker may be just removing it
        return sorted(path.name for path in (directory / str(account.id)).iterdir())
    return []


@pytest.mark.usefixtures("worker")
async def test_from_upload_to_removal(client: httpx.AsyncClient, account: Account, stranger: Account, directory: Path):
    path = path_of(account)
    missing = await client.get(path, headers=stranger.headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "avatar_not_found")
    answer = await upload(client, account, picture())
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{path}/job"
    assert (answer.json()["type"], answer.json()["status"]) == ("users.make_avatar", "queued")
    job = await ended(client, account)
    assert (job["status"], job["result"]) == ("succeeded", {"sizes": [128, 256, 512]})
    async with client.stream("GET", f"{path}/job/events", headers=account.headers) as stream:
        assert "event: done" in (await stream.aread()).decode()

    for size in (128, 256, 512):
        shown = await client.get(path, headers=stranger.headers, params={"size": size})
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
        assert Image.open(io.BytesIO(shown.content)).size == (size, size)
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert shown.headers["cache-control"] == "private, no-cache"
        known = {**stranger.headers, "If-None-Match": shown.headers["etag"]}
        assert (await client.get(path, headers=known, params={"size": size})).status_code == 304
    for size in ("64", "big", "0x80"):
        assert (await client.get(path, headers=stranger.headers, params={"size": size})).status_code == 422
    assert (await client.get(path)).status_code == 401

    assert (await upload(client, account, picture(colour=BLUE))).status_code == 202
    await ended(client, account)
    assert colour_of((await client.get(path, headers=account.headers)).content) == BLUE
    assert len(left(directory, account)) == 1, "the old one's files are gone"
    assert (await client.delete(path, headers=account.headers)).status_code == 204
    assert (await client.get(path, headers=account.headers)).status_code == 404
    assert (await client.delete(path, headers=account.headers)).status_code == 404
    await eventually(lambda: left(directory, account), [])


@pytest.mark.usefixtures("worker")
async def test_what_is_refused_by_the_worker_leaves_the_old_one(
    client: httpx.AsyncClient, account: Account, directory: Path
):
    await upload(client, account, picture())
    await ended(client, account)
    for content, reason in ((bomb(), "million pixels"), (moving("PNG"), "moves"), (picture()[:-300], "cut off")):
        assert (await upload(client, account, content)).status_code == 202
        job = await ended(client, account)
        assert job["status"] == "failed"
        assert reason in job["error"]
        assert (await client.get(path_of(account), headers=account.headers)).status_code == 200
    assert len(left(directory, account)) == 1
    assert not list((directory / "uploads").iterdir())


async def chunks(size: int) -> AsyncIterator[bytes]:
    yield picture()
    for _ in range(size // 65_536):
        yield bytes(65_536)


async def test_forwarding_4_five_megabytes_are_the_limit_however_they_come(
    client: httpx.AsyncClient, account: Account, directory: Path
):
    for content in (picture().ljust(5_000_001, b"\0"), chunks(5_200_000)):
        refused = await upload(client, account, content)
        assert (refused.status_code, refused.json()["code"]) == (413, "content_too_large")
    assert not list((directory / "uploads").iterdir())


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html>", "image/png"),
        (b"", "image/png"),
        (picture("GIF"), "image/png"),
        (picture(), "image/gif"),
        (picture(), "application/json"),
        (picture(), "image/svg+xml"),
    ],
)
async def test_what_is_no_picture_is_415_whatever_it_calls_itself(
    client: httpx.AsyncClient, account: Account, directory: Path, content: bytes, kind: str
):
    refused = await client.put(path_of(account), content=content, headers={**account.headers, "Content-Type": kind})
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type")
    assert not list((directory / "uploads").iterdir())


async def test_only_its_owner_uploads_and_removes(
    client: httpx.AsyncClient, account: Account, stranger: Account, admin: Account
):
    for other in (stranger, admin):
        headers = {**other.headers, **PNG}
        assert (await client.put(path_of(account), content=picture(), headers=headers)).status_code == 404
        assert (await client.get(f"{path_of(account)}/job", headers=other.headers)).status_code == 404
    assert (await client.delete(path_of(account), headers=stranger.headers)).status_code == 404
    assert (await client.put(path_of(account), content=picture(), headers=PNG)).status_code == 401


@pytest.mark.usefixtures("worker")
async def test_of_two_uploads_at_once_the_last_wins(client: httpx.AsyncClient, account: Account, directory: Path):
    answers = await asyncio.gather(*(upload(client, account, picture(size=(900, 900 + n))) for n in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert (await upload(client, account, picture(colour=BLUE))).status_code == 202
    assert (await ended(client, account))["status"] == "succeeded"
    assert colour_of((await client.get(path_of(account), headers=account.headers)).content) == BLUE

    async def settled() -> tuple[int, int]:
        return len(left(directory, account)), len(list((directory / "uploads").iterdir()))

    await eventually(settled, (1, 0))


@pytest.mark.usefixtures("worker")
async def test_a_picture_whose_commit_was_not_answered_is_made(
    client: httpx.AsyncClient, account: Account, database: Database, monkeypatch: pytest.MonkeyPatch
):
    """The connection ends after the commit and before its answer: nobody at the API knows that the job is there."""

    class Unanswered:
        acquire = staticmethod(database.acquire)

        @asynccontextmanager
        async def transaction(self) -> AsyncIterator[Connection]:
            async with database.transaction() as connection:
                yield connection
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    with monkeypatch.context() as patch:
        patch.setattr(routes, "get_resources", lambda _request: SimpleNamespace(database=Unanswered()))
        assert (await upload(client, account, picture(colour=BLUE))).status_code == 503
    assert (await ended(client, account))["status"] == "succeeded"
    assert colour_of((await client.get(path_of(account), headers=account.headers)).content) == BLUE


async def test_a_picture_that_another_one_came_after_is_not_told_to_be_gone(
    accounts: Accounts, account: Account, database: Database, directory: Path
):
    """The other one's job ends first, and clears this one's directory up under its hands."""
    first, second = uuid4(), uuid4()
    await accounts.execute(
        "INSERT INTO avatars (user_id, upload_id, job_id) VALUES ($1, $2, $3)", account.id, first, uuid4()
    )

    async def nothing(*_told: object) -> None:
        pass

    async def overtaken(*_asked: object) -> None:
        await accounts.execute("UPDATE avatars SET upload_id = $2 WHERE user_id = $1", account.id, second)
        raise FileNotFoundError

    context: Any = SimpleNamespace(database=database, progress=nothing, run_in_process=overtaken)
    job = make_job(AvatarFiles(directory))
    with pytest.raises(JobFailed, match="Another picture came after this one"):
        await job.handler(context, MakeAvatar(user_id=account.id, upload_id=first))


async def test_what_a_killed_worker_left_half_made_the_next_one_makes_whole(
    accounts: Accounts, client: httpx.AsyncClient, account: Account, directory: Path, worker: httpx.AsyncClient
):
    """As kill -9 leaves it: the job taken by nobody who lives, the upload, a directory begun."""
    assert worker.base_url
    upload_id, job_id = uuid4(), uuid4()
    (directory / "uploads").mkdir(exist_ok=True)
    (directory / "uploads" / upload_id.hex).write_bytes(picture(colour=BLUE))
    (directory / str(account.id) / f".{upload_id.hex}.4711").mkdir(parents=True)
    await accounts.execute(
        "INSERT INTO avatars (user_id, upload_id, job_id) VALUES ($1, $2, $3)", account.id, upload_id, job_id
    )
    await accounts.execute(
        "INSERT INTO jobs (id, type, payload, status, attempt, locked_by, lease_until)"
        " VALUES ($1, 'users.make_avatar', $2, 'running', 1, $3, now() - interval '1 second')",
        job_id,
        {"user_id": account.id, "upload_id": str(upload_id)},
        uuid4(),
    )
    assert (await ended(client, account))["status"] == "succeeded"
    assert colour_of((await client.get(path_of(account), headers=account.headers)).content) == BLUE
    assert left(directory, account) == [upload_id.hex]


@pytest.mark.usefixtures("worker")
async def test_the_files_go_with_the_user_and_a_new_account_has_none(
    client: httpx.AsyncClient, accounts: Accounts, account: Account, directory: Path
):
    await upload(client, account, picture())
    await ended(client, account)
    assert left(directory, account)
    assert (await client.delete(f"/api/v1/users/{account.id}", headers=account.headers)).status_code == 204
    await eventually(lambda: left(directory, account), [])
    body = {"name": "Ada Lovelace", "email": account.email, "password": PASSWORD}
    again = (await client.post("/api/v1/users", json=body)).json()
    assert again["id"] > account.id
    reborn = Account(again["id"], account.email, await accounts.log_in(account.email))
    assert (await client.get(path_of(reborn), headers=reborn.headers)).status_code == 404
    assert (await client.get(path_of(account), headers=reborn.headers)).status_code == 404
    for list_of in ("sessions", "api-keys"):
        page = (await client.get(f"/api/v1/users/me/{list_of}", headers=reborn.headers)).json()
        assert page["total"] == (1 if list_of == "sessions" else 0)
