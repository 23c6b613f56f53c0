"""The rows of the HTTP contract that are about reports, to the letter."""

import asyncio
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest

from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .story import ask, finished, new_id

PROBLEM = {"type", "title", "status", "detail", "code", "instance", "trace_id"}


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) - {"errors"} == PROBLEM
    assert (body["status"], body["code"]) == (status, code)
    return body


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_report_is_accepted_and_named(api: httpx.AsyncClient, signer: Signer, version: str):
    headers = signer.headers(new_id())
    body = {"type": "order_summary", "format": "pdf", "params": {"from": "2026-01-01"}, "status": "succeeded"}
    answer = await api.post(f"/api/{version}/reports", json=body, headers=headers)
    assert answer.status_code == 202
    report = answer.json()
    assert answer.headers["location"] == f"/api/{version}/reports/{report['id']}"
    assert isinstance(report["id"], int)
    created_at = datetime.fromisoformat(report.pop("created_at"))
    assert created_at.utcoffset() is not None
    assert report == {
        "id": report["id"],
        "type": "order_summary",
        "format": "pdf",
        "params": {"from": "2026-01-01"},
        "notify": False,
        "schedule_id": None,
        "status": "queued",
        "progress": 0,
        "error": None,
        "size": None,
        "finished_at": None,
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "nonsense", "format": "pdf"}, "type"),
        ({"type": "sales", "format": "doc"}, "format"),
        ({"format": "pdf"}, "type"),
        ({"type": "order_summary", "format": "pdf", "params": {"from": "yesterday"}}, "params.from"),
        ({"type": "order_summary", "format": "pdf", "params": {"from": 1767225600}}, "params.from"),
        ({"type": "order_summary", "format": "pdf", "params": {"from": "2026-02-01", "to": "2026-01-01"}}, "params.to"),
        ({"type": "order_summary", "format": "pdf", "params": {"to": "2026-01-01T10:00:00"}}, "params.to"),
        ({"type": "order_summary", "format": "pdf", "params": {"all": "yes"}}, "params.all"),
        ({"type": "order_summary", "format": "pdf", "params": []}, "params"),
        ([], "body"),
    ],
)
async def test_what_breaks_a_rule_is_named(api: httpx.AsyncClient, signer: Signer, body: Any, field: str):
    answer = await api.post("/api/v1/reports", json=body, headers=signer.headers(new_id()))
    problem = assert_problem(answer, 422, "validation_error")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_what_does_not_parse_and_what_is_no_json(api: httpx.AsyncClient, signer: Signer):
    headers = signer.headers(new_id())
    broken = await api.post("/api/v1/reports", content=b"{", headers={**headers, "Content-Type": "application/json"})
    assert_problem(broken, 400, "malformed_json")
    form = await api.post("/api/v1/reports", data={"type": "sales"}, headers=headers)
    assert_problem(form, 415, "unsupported_media_type")


async def test_who_may_ask_for_what(api: httpx.AsyncClient, signer: Signer):
    user, admin = signer.headers(new_id()), signer.headers(1, role="admin")
    assert_problem(await ask(api, user, "sales", "csv"), 403, "forbidden")
    assert_problem(await ask(api, user, "user_activity", "csv", all=True), 403, "forbidden")
    assert (await ask(api, admin, "user_activity", "csv", all=True)).status_code == 202
    service = signer.headers(0, role="service", sub="billing")
    assert_problem(await ask(api, service, "user_activity", "csv"), 403, "forbidden")
    reader = signer.headers(new_id(), scope="reports:read")
    refused = await ask(api, reader, "user_activity", "csv")
    assert_problem(refused, 403, "insufficient_scope")
    assert 'scope="reports:write"' in refused.headers["www-authenticate"]
    assert (await api.get("/api/v1/reports", headers=reader)).status_code == 200
    anonymous = await ask(api, {}, "user_activity", "csv")
    assert_problem(anonymous, 401, "unauthorized")
    assert anonymous.headers["www-authenticate"].startswith("Bearer")


async def test_another_ones_report_does_not_exist(api: httpx.AsyncClient, signer: Signer):
    owner = signer.headers(new_id())
    location = (await ask(api, owner, "order_summary", "csv")).headers["location"]
    for stranger in (signer.headers(new_id()), signer.headers(1, role="admin")):
        for path in (location, f"{location}/events", f"{location}/content"):
            assert_problem(await api.get(path, headers=stranger), 404, "report_not_found")
        assert_problem(await api.delete(location, headers=stranger), 404, "report_not_found")
    assert (await api.get(location, headers=owner)).status_code == 200
    for odd in ("0", "-1", "abc", str(2**63), "1e3"):
        assert_problem(await api.get(f"/api/v1/reports/{odd}", headers=owner), 422, "validation_error")
    assert_problem(await api.get(f"/api/v1/reports/{2**62}", headers=owner), 404, "report_not_found")


async def test_lists_are_pages_of_ones_own(api: httpx.AsyncClient, signer: Signer):
    headers = signer.headers(new_id())
    ids = [(await ask(api, headers, "order_summary", "csv")).json()["id"] for _ in range(3)]
    page = (await api.get("/api/v1/reports?page=1&page_size=2", headers=headers)).json()
    assert [item["id"] for item in page.pop("items")] == ids[:0:-1]
    assert page == {"total": 3, "page": 1, "page_size": 2}
    second = (await api.get("/api/v1/reports?page=2&page_size=2", headers=headers)).json()
    assert [item["id"] for item in second["items"]] == ids[:1]
    for wrong in ("page=0", "page_size=0", "page_size=101", "page=x"):
        answer = await api.get(f"/api/v1/reports?{wrong}", headers=headers)
        assert_problem(answer, 422, "validation_error")


async def test_one_key_makes_one_report(api: httpx.AsyncClient, signer: Signer):
    headers = {**signer.headers(new_id()), "Idempotency-Key": "the-key"}
    answers = await asyncio.gather(*(ask(api, headers, "order_summary", "json") for _ in range(10)))
    made = [answer for answer in answers if answer.status_code == 202]
    for answer in answers:
        if answer.status_code != 202:
            assert_problem(answer, 409, "idempotency_in_progress")
    assert len({answer.json()["id"] for answer in made}) == 1
    again = await ask(api, headers, "order_summary", "json")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == made[0].headers["location"]
    assert_problem(await ask(api, headers, "order_summary", "csv"), 422, "idempotency_key_reused")
    assert (await api.get("/api/v1/reports", headers=headers)).json()["total"] == 1


@pytest.mark.usefixtures("worker_process")
async def test_an_entity_tag_changes_with_the_state(api: httpx.AsyncClient, signer: Signer):
    headers = signer.headers(new_id())
    location = (await ask(api, headers, "order_summary", "csv")).headers["location"]
    await finished(api, location, headers)
    done = await api.get(location, headers=headers)
    tag = done.headers["etag"]
    assert done.json()["progress"] == 100
    unchanged = await api.get(location, headers={**headers, "If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag)
    changed = await api.get(location, headers={**headers, "If-None-Match": '"0"'})
    assert changed.status_code == 200
    refused = await api.delete(location, headers={**headers, "If-Match": '"0"'})
    assert_problem(refused, 412, "version_mismatch")
    assert (await api.delete(location, headers={**headers, "If-Match": tag})).status_code == 204
    assert_problem(await api.get(location, headers=headers), 404, "report_not_found")
    assert_problem(await api.delete(location, headers=headers), 404, "report_not_found")


async def test_a_delete_is_checked_against_what_the_job_wrote_while_it_waited(
    quiet_api: httpx.AsyncClient, quiet_database: asyncpg.Connection, signer: Signer
):
    headers = signer.headers(new_id())
    location = (await ask(quiet_api, headers, "order_summary", "csv")).headers["location"]
    tag = (await quiet_api.get(location, headers=headers)).headers["etag"]
    report_id = int(location.rsplit("/", 1)[1])
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"

    async def waits() -> bool:
        return await quiet_database.fetchval(blocked) > 0

    async with quiet_database.transaction():
        await quiet_database.execute(
            "UPDATE jobs SET percent = 7, progress_sequence = progress_sequence + 1"
            " WHERE id = (SELECT job_id FROM reports WHERE id = $1)",
            report_id,
        )
        deleting = asyncio.create_task(quiet_api.delete(location, headers={**headers, "If-Match": tag}))
        await eventually(waits)
    assert_problem(await deleting, 412, "version_mismatch")
    shown = await quiet_api.get(location, headers=headers)
    assert (shown.status_code, shown.json()["status"], shown.json()["progress"]) == (200, "queued", 7)
    current = {**headers, "If-Match": shown.headers["etag"]}
    assert (await quiet_api.delete(location, headers=current)).status_code == 204


async def test_a_path_with_another_method_says_which_it_has(api: httpx.AsyncClient, signer: Signer):
    answer = await api.patch("/api/v1/reports/1", json={}, headers=signer.headers(new_id()))
    assert_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "DELETE"}
