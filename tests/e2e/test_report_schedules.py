"""A report by the clock through the gateway: at the next full minute it is there, and so is the mail on it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from e2e_system import Person, register
from test_contract_http import assert_problem

PATH = "/api/v1/report-schedules"
EVERY_MINUTE = {"cron": "* * * * *", "type": "user_activity", "format": "csv"}


def test_a_schedule_makes_its_report_at_its_minute(client: httpx.Client, person: Person):
    stranger = register(client)
    wrong = client.post(PATH, json={**EVERY_MINUTE, "cron": "often"}, headers=person.headers)
    assert_problem(wrong, 422)
    assert [error["field"] for error in wrong.json()["errors"]] == ["cron"]
    assert_problem(client.post(PATH, json={**EVERY_MINUTE, "type": "sales"}, headers=person.headers), 403)
    asked = datetime.now(UTC)
    added = client.post(PATH, json=EVERY_MINUTE, headers=person.headers)
    assert added.status_code == 201, added.text
    path = f"{PATH}/{added.json()['id']}"
    assert added.headers["Location"] == path
    try:
        due = datetime.fromisoformat(added.json()["next_run_at"])
        # Of the moment in which it was asked: the minute may turn before we look.
        assert asked < due <= datetime.now(UTC) + timedelta(seconds=60)
        assert_problem(client.get(path, headers=stranger.headers), 404)
        end = time.monotonic() + 400
        seen: dict[str, Any] = {}
        while not seen.get("last_report_id"):
            assert time.monotonic() < end, seen
            time.sleep(0.5)
            seen = client.get(path, headers=person.headers).json()
        assert datetime.fromisoformat(seen["last_run_at"]) == due
        report = client.get(f"/api/v1/reports/{seen['last_report_id']}", headers=person.headers).json()
        assert (report["schedule_id"], report["notify"]) == (seen["id"], True)
    finally:
        assert client.delete(path, headers=person.headers).status_code == 204
    assert_problem(client.get(path, headers=person.headers), 404, "report_schedule_not_found")
