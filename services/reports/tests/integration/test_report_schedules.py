"""Reports by the clock: what is taken, who may, and that each time makes one report whatever dies."""

import asyncio
import signal as signals
from typing import Any

import asyncpg
import httpx
import pytest

from reports.settings import ReportsSettings
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .story import OtherServices, finished, new_id, running_worker, user
from .test_faults import end_leases, own_environment, worker_of_its_own

__all__ = ["own_environment"]

PATH = "/api/v1/report-schedules"
YEARLY = "0 0 1 1 *"


def wanted(**changes: Any) -> dict[str, Any]:
    return {"cron": YEARLY, "timezone": "UTC", "type": "user_activity", "format": "csv", **changes}


async def added(api: httpx.AsyncClient, headers: dict[str, str], **changes: Any) -> dict[str, Any]:
    answer = await api.post(PATH, json=wanted(**changes), headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['id']}"
    return answer.json()


async def let_come(database: asyncpg.Connection, *schedules: dict[str, Any]) -> None:
    """Move the clock's hand to the last first of January, which nobody has fired."""
    await database.execute(
        "UPDATE schedules SET next_fire = date_trunc('year', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
        " WHERE name = ANY($1)",
        [f"report-schedule-{schedule['id']}" for schedule in schedules],
    )


async def ran(api: httpx.AsyncClient, headers: dict[str, str], schedule: dict[str, Any]) -> dict[str, Any]:
    async def look() -> Any:
        found = (await api.get(f"{PATH}/{schedule['id']}", headers=headers)).json()
        return found if found["last_run_at"] else None

    return await eventually(look)


async def test_one_is_added_seen_listed_and_deleted(quiet_api: httpx.AsyncClient, signer: Signer):
    headers = signer.headers(new_id())
    one = await added(quiet_api, headers, timezone="Europe/Berlin", cron="0 7 * * MON", period="previous_week")
    assert one["next_run_at"] > one["created_at"]
    assert (one["enabled"], one["notify"], one["error"], one["last_run_at"]) == (True, True, None, None)
    two = await added(quiet_api, headers, notify=False)
    assert (await quiet_api.get(f"{PATH}/{one['id']}", headers=headers)).json() == one
    listed = (await quiet_api.get(PATH, headers=headers)).json()
    assert (listed["total"], [each["id"] for each in listed["items"]]) == (2, [one["id"], two["id"]])
    stranger = signer.headers(new_id())
    for method in ("GET", "DELETE"):
        answer = await quiet_api.request(method, f"{PATH}/{one['id']}", headers=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "report_schedule_not_found")
    assert (await quiet_api.delete(f"{PATH}/{one['id']}", headers=headers)).status_code == 204
    assert (await quiet_api.get(f"{PATH}/{one['id']}", headers=headers)).status_code == 404


async def test_the_same_key_adds_one(quiet_api: httpx.AsyncClient, signer: Signer):
    headers = {**signer.headers(new_id()), "Idempotency-Key": "one"}
    one, two = [await quiet_api.post(PATH, json=wanted(), headers=headers) for _ in range(2)]
    assert one.json() == two.json()
    assert two.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cron": "every day"}, "cron"),
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "* * * * * *"}, "cron"),
        ({"cron": "*" * 200}, "cron"),
        ({"cron": None}, "cron"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"type": "profit"}, "type"),
        ({"format": "docx"}, "format"),
        ({"params": {"from": "yesterday"}}, "params.from"),
        ({"period": "previous_century"}, "period"),
        ({"notify": 1}, "notify"),
    ],
)
async def test_what_is_wrong_is_named(
    quiet_api: httpx.AsyncClient, signer: Signer, changes: dict[str, Any], field: str
):
    answer = await quiet_api.post(PATH, json=wanted(**changes), headers=signer.headers(new_id()))
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_sales_are_for_admins_and_a_limit_holds(quiet_api: httpx.AsyncClient, signer: Signer):
    headers = signer.headers(new_id())
    assert (await quiet_api.post(PATH, json=wanted(type="sales"), headers=headers)).status_code == 403
    assert (await quiet_api.post(PATH, json=wanted(), headers={})).status_code == 401
    answers = await asyncio.gather(*(quiet_api.post(PATH, json=wanted(), headers=headers) for _ in range(25)))
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [409] * 5
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"too_many_report_schedules"}


async def test_a_time_that_comes_makes_a_report_about_its_own_period(
    quiet_api: httpx.AsyncClient, quiet_database: asyncpg.Connection, signer: Signer, quiet_settings: ReportsSettings
):
    headers = signer.headers(new_id())
    schedule = await added(quiet_api, headers, period="previous_month", notify=False)
    async with running_worker(quiet_settings):
        await let_come(quiet_database, schedule)
        after = await ran(quiet_api, headers, schedule)
        report = await finished(quiet_api, f"/api/v1/reports/{after['last_report_id']}", headers)
    assert report["status"] == "succeeded"
    assert report["schedule_id"] == schedule["id"]
    year = int(after["last_run_at"][:4])
    assert report["params"] == {"from": f"{year - 1}-12-01T00:00:00Z", "to": f"{year}-01-01T00:00:00Z"}
    assert after["next_run_at"] == f"{year + 1}-01-01T00:00:00Z"


async def test_two_workers_and_one_that_is_killed_make_each_report_once(
    quiet_api: httpx.AsyncClient,
    quiet_database: asyncpg.Connection,
    signer: Signer,
    own_environment: dict[str, str],
):
    headers = signer.headers(new_id())
    schedules = [await added(quiet_api, headers, notify=False) for _ in range(12)]
    count = "SELECT count(*) FROM reports WHERE schedule_id = ANY($1)"
    ids = [schedule["id"] for schedule in schedules]
    async with worker_of_its_own(own_environment) as survivor, worker_of_its_own(own_environment) as victim:
        await let_come(quiet_database, *schedules)

        async def begun() -> bool:
            return await quiet_database.fetchval(count, ids) > 0

        await eventually(begun)
        victim.send_signal(signals.SIGKILL)
        await victim.wait()
        await end_leases(quiet_database)

        async def all_made() -> bool:
            made = "SELECT count(*) FROM reports WHERE schedule_id = ANY($1) AND status = 'succeeded'"
            return await quiet_database.fetchval(made, ids) >= len(ids)

        await eventually(all_made)
        # What was fired twice would be behind it in the same queue.
        last = await added(quiet_api, headers, notify=False)
        await let_come(quiet_database, last)
        await ran(quiet_api, headers, last)
        assert survivor.returncode is None
    rows = await quiet_database.fetch(
        "SELECT schedule_id, count(*) AS reports FROM reports WHERE schedule_id = ANY($1) GROUP BY schedule_id", ids
    )
    assert {row["schedule_id"]: row["reports"] for row in rows} == dict.fromkeys(ids, 1)


async def test_a_demoted_admin_s_schedule_is_disabled_at_its_next_time(
    api: httpx.AsyncClient, database: asyncpg.Connection, signer: Signer, others: OtherServices
):
    user_id = new_id()
    headers = signer.headers(user_id, role="admin")
    await others.say("users.registered.v1", {**user(user_id), "role": "admin"})

    async def known(role: str) -> None:
        async def seen() -> bool:
            return await database.fetchval("SELECT role FROM seen_users WHERE id = $1", user_id) == role

        await eventually(seen)

    await known("admin")
    allowed = await added(api, headers, type="sales", notify=False)
    await let_come(database, allowed)
    assert (await ran(api, headers, allowed))["last_report_id"]

    schedule = await added(api, headers, type="sales", notify=False)
    await others.say("users.updated.v1", {**user(user_id, version=2), "role": "user"})
    await known("user")
    await let_come(database, schedule)
    after = await ran(api, headers, schedule)
    assert (after["enabled"], after["last_report_id"], after["next_run_at"]) == (False, None, None)
    assert after["error"] == "Its owner is no admin any more."
    assert await database.fetchval("SELECT count(*) FROM reports WHERE schedule_id = $1", schedule["id"]) == 0


async def test_a_run_beyond_the_limit_of_reports_says_so_and_the_next_one_runs(
    api: httpx.AsyncClient, database: asyncpg.Connection, signer: Signer, others: OtherServices
):
    assert others
    user_id = new_id()
    headers = signer.headers(user_id)
    schedule = await added(api, headers, notify=False)
    await database.execute(
        "INSERT INTO reports (user_id, type, format, params, everyone)"
        " SELECT $1, 'user_activity', 'csv', '{}', false FROM generate_series(1, 20)",
        user_id,
    )
    await let_come(database, schedule)
    after = await ran(api, headers, schedule)
    assert (after["enabled"], after["last_report_id"], after["error"]) == (
        True,
        None,
        "20 reports are not finished yet.",
    )
    assert after["next_run_at"] is not None
    await database.execute("DELETE FROM reports WHERE user_id = $1", user_id)


async def test_schedules_of_a_deleted_user_go(
    api: httpx.AsyncClient, database: asyncpg.Connection, signer: Signer, others: OtherServices
):
    user_id = new_id()
    schedule = await added(api, signer.headers(user_id))
    await others.say("users.registered.v1", user(user_id))
    await others.say("users.deleted.v1", {"id": user_id, "version": 2})

    async def gone() -> bool:
        rows = await database.fetchval("SELECT count(*) FROM report_schedules WHERE user_id = $1", user_id)
        clock = await database.fetchval(
            "SELECT count(*) FROM schedules WHERE name = $1", f"report-schedule-{schedule['id']}"
        )
        return rows + clock == 0

    await eventually(gone)
    assert await database.fetchval("SELECT email FROM seen_users WHERE id = $1", user_id) is None


async def test_the_schedule_of_a_user_who_is_disabled_waits(
    api: httpx.AsyncClient, database: asyncpg.Connection, signer: Signer, others: OtherServices
):
    user_id = new_id()
    headers = signer.headers(user_id)
    schedule = await added(api, headers, notify=False)
    await others.say("users.updated.v1", {**user(user_id, version=2), "active": False})

    async def disabled() -> Any:
        return await database.fetchval("SELECT disabled FROM seen_users WHERE id = $1", user_id)

    await eventually(disabled)
    await let_come(database, schedule)
    after = await ran(api, headers, schedule)
    assert after["error"] == "The account of its owner is disabled."
    assert (after["enabled"], after["last_report_id"], after["next_run_at"] is not None) == (True, None, True)
    await others.say("users.updated.v1", {**user(user_id, version=3), "active": True})

    async def enabled() -> bool:
        return await disabled() is False

    await eventually(enabled)
    # The same time once more, which a clock fires once.
    await database.execute("DELETE FROM schedule_fires WHERE schedule = $1", f"report-schedule-{schedule['id']}")
    await let_come(database, schedule)

    async def made() -> Any:
        return (await api.get(f"{PATH}/{schedule['id']}", headers=headers)).json()["last_report_id"]

    await eventually(made)
