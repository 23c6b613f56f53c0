"""What every answer of every service keeps to."""

import asyncio
from collections.abc import Callable

import asyncpg
import httpx
import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from shared.testing.tokens import Signer
from shared.testing.waiting import PATIENCE_SECONDS


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert document["code"] == code
    assert document["instance"] == response.request.url.path
    assert len(document["trace_id"]) == 32
    return document


async def test_an_unknown_path_is_a_problem(sample: httpx.AsyncClient):
    assert_problem(await sample.get("/nowhere"), 404, "route_not_found")


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS"])
async def test_fastapi_1_a_wrong_method_is_405_with_allow_while_traced(sample: httpx.AsyncClient, method: str):
    response = await sample.request(method, "/notes")
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"]


async def test_forwarding_9_head_is_get_without_a_body(sample: httpx.AsyncClient, signer: Signer):
    created = await sample.post("/notes", json={"text": "headed"}, headers=signer.headers(1))
    path = created.headers["location"]
    whole, head = await sample.get(path), await sample.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert head.headers["etag"] == whole.headers["etag"]
    assert (await sample.head("/notes/999999")).status_code == 404
    assert (await sample.get(path)).json() == "headed", "the connection goes on"
    assert "HEAD" in (await sample.delete(path)).headers["allow"]


async def test_a_body_that_does_not_parse_is_400(sample: httpx.AsyncClient, signer: Signer):
    headers = {**signer.headers(1), "Content-Type": "application/json"}
    assert_problem(await sample.post("/notes", content=b"{", headers=headers), 400, "malformed_json")


async def test_json_nested_too_deep_is_400_and_not_500(sample: httpx.AsyncClient, signer: Signer):
    headers = {**signer.headers(1), "Content-Type": "application/json"}
    response = await sample.post("/notes", content=b"[" * 200_000, headers=headers)
    assert response.status_code == 400


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_type_is_415(sample: httpx.AsyncClient, signer: Signer, content_type: str):
    headers = {**signer.headers(1), "Content-Type": content_type}
    response = await sample.post("/notes", content=b'{"text": "x"}', headers=headers)
    assert_problem(response, 415, "unsupported_media_type")


async def test_a_field_that_breaks_a_rule_is_422_and_named(sample: httpx.AsyncClient, signer: Signer):
    response = await sample.post("/notes", json={"text": 7}, headers=signer.headers(1))
    document = assert_problem(response, 422, "validation_error")
    assert document["errors"] == [{"field": "text", "message": "Input should be a valid string"}]


async def test_a_nul_in_a_text_is_422_and_not_500(sample: httpx.AsyncClient, signer: Signer):
    response = await sample.post("/notes", json={"text": "a\0b"}, headers=signer.headers(1))
    assert_problem(response, 422, "validation_error")


@pytest.mark.parametrize("spelling", ["1.0", "+1", "01", "%201", "1_0", "x", "-1", "0"])
async def test_an_id_has_one_spelling(sample: httpx.AsyncClient, spelling: str):
    assert_problem(await sample.get(f"/notes/{spelling}"), 422, "validation_error")


async def test_an_id_beyond_bigint_is_422_and_not_500(sample: httpx.AsyncClient):
    assert_problem(await sample.get(f"/notes/{2**63}"), 422, "validation_error")


async def test_what_breaks_inside_shows_nothing_and_rolls_back(sample: httpx.AsyncClient):
    before = (await sample.get("/notes")).json()["total"]
    response = await sample.post("/notes/broken")
    assert_problem(response, 500, "internal_error")
    assert "hunter2" not in response.text
    assert (await sample.get("/notes")).json()["total"] == before


async def test_the_trace_of_the_caller_is_the_trace_of_the_problem(sample: httpx.AsyncClient):
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    with suppress_instrumentation():  # the instrumented client would write a traceparent of its own
        response = await sample.get("/nowhere", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
    assert response.json()["trace_id"] == trace_id


@pytest.mark.parametrize(
    "query", ["page=01", "page=1.0", "page=1_0", "page=0", "page_size=0", "page_size=101", "page=x", "page=99999999999"]
)
async def test_a_page_out_of_bounds_is_422(sample: httpx.AsyncClient, query: str):
    assert_problem(await sample.get(f"/notes?{query}"), 422, "validation_error")


async def test_etags_answer_304_and_412(sample: httpx.AsyncClient, signer: Signer):
    created = await sample.post("/notes", json={"text": "tagged"}, headers=signer.headers(1))
    path = created.headers["location"]
    tag = (await sample.get(path)).headers["etag"]
    assert (await sample.get(path, headers={"If-None-Match": f'W/{tag}, "other"'})).status_code == 304
    assert (await sample.put(path, json={"text": "b"}, headers={"If-Match": tag})).status_code == 200
    refused = await sample.put(path, json={"text": "b"}, headers={"If-Match": f"W/{tag}"})
    assert_problem(refused, 412, "version_mismatch")


async def test_the_commit_comes_before_the_answer(sample: httpx.AsyncClient, signer: Signer):
    """An answer that promises a row another connection does not see yet is a lie."""

    async def write_then_read() -> str:
        created = await sample.post("/notes", json={"text": "promised"}, headers=signer.headers(1))
        return (await sample.get(created.headers["location"])).json()

    assert await asyncio.gather(*(write_then_read() for _ in range(30))) == ["promised"] * 30


async def test_ready_names_what_it_depends_on(sample: httpx.AsyncClient):
    response = await sample.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "checks": {"postgres": "healthy", "redis": "healthy"}}
    assert (await sample.get("/health/live")).status_code == 200


async def test_metrics_are_labelled_by_route_not_by_path(sample: httpx.AsyncClient):
    await sample.get("/notes/123456")
    text = (await sample.get("/metrics")).text
    assert 'route="/notes/{note_id}"' in text
    assert "123456" not in text


async def test_forwarding_7_a_client_that_hangs_up_ends_its_sql(sample: httpx.AsyncClient, admin_database_url: str):
    watcher = await asyncpg.connect(admin_database_url)
    running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%/* slow note */'"
    running += " AND pid <> pg_backend_pid()"

    async def until(wanted: Callable[[int], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not wanted(await watcher.fetchval(running)):
                await asyncio.sleep(0.02)

    request = asyncio.create_task(sample.get("/slow"))
    await until(lambda count: count == 1)
    request.cancel()
    await until(lambda count: count == 0)
    await watcher.close()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"label": 7}, ["label"]),
        ({"label": {"a": 1}}, ["label"]),
        ({}, ["label"]),
    ],
)
async def test_a_field_that_may_be_of_several_types_is_named_once_and_as_it_was_written(
    sample: httpx.AsyncClient, signer: Signer, body: dict[str, object], fields: list[str]
):
    response = await sample.post("/labels", json=body, headers=signer.headers(1))
    assert_problem(response, 422, "validation_error")
    assert [error["field"] for error in response.json()["errors"]] == fields
