"""The file of a report: ranges, conditions, and what is when there is none."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio

from shared.testing.tokens import Signer

from .story import ask, finished, new_id

pytestmark = pytest.mark.usefixtures("worker_process")


@dataclass
class Made:
    api: httpx.AsyncClient
    headers: dict[str, str]
    location: str
    content: bytes
    tag: str

    async def get(self, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.api.get(f"{self.location}/content", headers={**self.headers, **named})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def made(api: httpx.AsyncClient, signer: Signer) -> AsyncIterator[Made]:
    headers = signer.headers(new_id())
    location = (await ask(api, headers, "order_summary", "csv")).headers["location"]
    await finished(api, location, headers)
    answer = await api.get(f"{location}/content", headers=headers)
    assert answer.status_code == 200
    yield Made(api, headers, location, answer.content, answer.headers["etag"])


async def test_the_whole_file(made: Made):
    answer = await made.get()
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(made.content))
    number = made.location.rpartition("/")[2]
    assert answer.headers["content-disposition"] == f'attachment; filename="order_summary-{number}.csv"'
    assert not made.tag.startswith("W/")
    head = await made.api.head(f"{made.location}/content", headers={**made.headers, "Range": "bytes=0-1"})
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(made.content)))


async def test_parts_of_it(made: Made):
    size = len(made.content)
    for asked, first, last in (
        ("0-3", 0, 3),
        ("5-", 5, size - 1),
        ("-4", size - 4, size - 1),
        ("0-999999", 0, size - 1),
    ):
        part = await made.get(Range=f"bytes={asked}")
        assert part.status_code == 206
        assert part.content == made.content[first : last + 1]
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.headers["etag"] == made.tag
    several = await made.get(Range="bytes=0-1,5-6")
    assert several.status_code == 206
    assert several.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert made.content[5:7] in several.content


async def test_what_is_no_range_is_the_whole_file(made: Made):
    for odd in ("lines=0-3", "bytes=3-1", "bytes=x", "bytes"):
        answer = await made.get(Range=odd)
        assert (answer.status_code, answer.content) == (200, made.content)


async def test_what_is_not_there(made: Made):
    answer = await made.get(Range="bytes=99999-")
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(made.content)}"
    assert answer.json()["code"] == "range_not_satisfiable"


async def test_if_range_sends_the_part_only_of_the_same_file(made: Made):
    assert (await made.get(Range="bytes=0-3", If_Range=made.tag)).status_code == 206
    for other in ('"other"', f"W/{made.tag}", "Sun, 22 Nov 2026 14:00:00 GMT"):
        answer = await made.get(Range="bytes=0-3", If_Range=other)
        assert (answer.status_code, answer.content) == (200, made.content)
    assert (await made.get(Range="bytes=99999-", If_Range='"other"')).status_code == 200


async def test_conditions(made: Made):
    for same in (made.tag, f"W/{made.tag}", f'"x", {made.tag}', "*"):
        answer = await made.get(If_None_Match=same, Range="bytes=0-3")
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", made.tag)
    assert (await made.get(If_None_Match='"x"')).status_code == 200
    assert (await made.get(If_Match=made.tag)).status_code == 200
    refused = await made.get(If_Match='"x"')
    assert (refused.status_code, refused.json()["code"]) == (412, "version_mismatch")


async def test_deleting_removes_the_file(api: httpx.AsyncClient, signer: Signer, directory: Path):
    headers = signer.headers(new_id())
    location = (await ask(api, headers, "order_summary", "pdf")).headers["location"]
    await finished(api, location, headers)
    place = directory / location.rpartition("/")[2]
    assert [path.name for path in place.iterdir()] == ["1.pdf"], "nothing of the making is left"
    assert (await api.delete(location, headers=headers)).status_code == 204
    assert not place.exists()


async def test_a_lost_file_is_gone_and_no_error_of_ours(api: httpx.AsyncClient, signer: Signer, directory: Path):
    headers = signer.headers(new_id())
    location = (await ask(api, headers, "order_summary", "csv")).headers["location"]
    await finished(api, location, headers)
    shutil.rmtree(directory / location.rpartition("/")[2])
    answer = await api.get(f"{location}/content", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (410, "report_file_gone")
    assert (await api.delete(location, headers=headers)).status_code == 204


async def test_there_is_none_before_the_end_or_after_a_failure(
    api: httpx.AsyncClient, signer: Signer, database: asyncpg.Connection
):
    headers = signer.headers(new_id())
    location = (await ask(api, headers, "order_summary", "csv")).headers["location"]
    early = await api.get(f"{location}/content", headers=headers)
    if early.status_code != 200:  # the worker may be quicker than this request
        assert (early.status_code, early.json()["code"]) == (409, "report_not_ready")
    await finished(api, location, headers)
    await database.execute("UPDATE reports SET status = 'failed' WHERE id = $1", int(location.rpartition("/")[2]))
    late = await api.get(f"{location}/content", headers=headers)
    assert (late.status_code, late.json()["code"]) == (409, "report_not_ready")
