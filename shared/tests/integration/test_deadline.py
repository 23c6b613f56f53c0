"""A request whose time is over ends, down to its SQL, and is answered 504."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
import pytest_asyncio

from shared.testing.waiting import PATIENCE_SECONDS, eventually
from shared.web.deadline import seconds_left

LONG = f"{PATIENCE_SECONDS * 1000:.0f}"
_RUNNING = (
    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
    " AND query LIKE '%/* slow ' || $1::text || ' */%'"
)


@pytest_asyncio.fixture
async def watcher(admin_database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(admin_database_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize(("method", "path", "comment"), [("GET", "/slow", "note"), ("POST", "/notes/slow", "write")])
async def test_the_sql_of_a_request_whose_time_is_over_is_cancelled(
    sample: httpx.AsyncClient,
    watcher: "asyncpg.Connection[asyncpg.Record]",
    method: str,
    path: str,
    comment: str,
):
    async def running() -> int:
        return await watcher.fetchval(_RUNNING, comment)

    body = {"text": "too slow"} if method == "POST" else None
    seen = False
    # On a busy machine a short time may be over before the statement begins.
    for milliseconds in (700, 5000, 30000):
        request = sample.request(method, path, json=body, headers={"x-request-timeout-ms": f"{milliseconds}"})
        asked = asyncio.create_task(request)
        while not seen and not asked.done():
            seen = await running() == 1
        answer = await asked
        if seen:
            break
    assert seen
    assert answer.status_code == 504
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (document["code"], document["title"], document["instance"]) == ("deadline_exceeded", "Gateway Timeout", path)
    await eventually(running, 0)  # the statement itself takes ten minutes
    notes = await sample.get("/notes", params={"page_size": 100})
    assert "too slow" not in notes.json()["items"], "what was written is rolled back"


async def test_an_answer_in_time_is_as_without_a_deadline(sample: httpx.AsyncClient):
    answer = await sample.get("/notes", headers={"x-request-timeout-ms": LONG})
    assert answer.status_code == 200


async def test_an_answer_that_has_begun_is_finished(sample: httpx.AsyncClient):
    # On a busy machine a short time may be over before it begins.
    for milliseconds in (200, 5000, 30000):
        answer = await sample.get("/begins", headers={"x-request-timeout-ms": f"{milliseconds}"})
        if answer.status_code != 504:
            break
    assert (answer.status_code, answer.text) == (200, "begun and finished")


async def test_a_timeout_of_the_handlers_own_is_not_the_callers(sample: httpx.AsyncClient):
    answer = await sample.get("/own-timeout", headers={"x-request-timeout-ms": LONG})
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency_unavailable")


async def test_an_answer_that_comes_as_the_time_ends_is_a_whole_one_or_the_504(sample: httpx.AsyncClient):
    for _ in range(20):
        answer = await sample.get("/begins", headers={"x-request-timeout-ms": "0"})
        assert (answer.status_code, answer.text) == (200, "begun and finished") or (
            answer.status_code,
            answer.json()["code"],
        ) == (504, "deadline_exceeded")


async def test_it_is_counted_by_route(sample: httpx.AsyncClient):
    answer = await sample.get("/slow", headers={"x-request-timeout-ms": "50"})
    assert answer.status_code == 504
    assert 'http_server_deadlines_exceeded_total{route="/slow"}' in (await sample.get("/metrics")).text


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], None),
        ([b"1500"], 1.5),
        ([b"0"], 0.0),
        ([b"-1"], None),
        ([b"1.5"], None),
        ([b"1s"], None),
        ([b""], None),
        ([b" 7"], None),
        ([b"1000000000"], None),
        (["\N{ARABIC-INDIC DIGIT ONE}".encode()], None),
        ([b"100", b"200"], None),
    ],
)
def test_a_value_that_is_no_number_of_milliseconds_is_ignored(values: list[bytes], seconds: float | None):
    assert seconds_left({"headers": [(b"x-request-timeout-ms", value) for value in values]}) == seconds
