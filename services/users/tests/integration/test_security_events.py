"""What happens to an account is on record: for admins, for its owner, for a set time, and for nobody to change."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from shared.testing.waiting import eventually
from users.domain.audit import AuditAction
from users.domain.sessions import Client
from users.failed_logins import FailedLogins
from users.store import audit

from .people import PASSWORD, Account, Accounts

ALL = "/api/v1/audit-events"
OWN = "/api/v1/users/me/security-events"
SOMEWHERE = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "Some Browser/1.0"}


async def own(client: httpx.AsyncClient, account: Account, **params: str) -> list[dict[str, Any]]:
    answer = await client.get(OWN, headers=account.headers, params=params)
    assert answer.status_code == 200
    return answer.json()["items"]


async def actions(client: httpx.AsyncClient, account: Account) -> list[str]:
    return [event["action"] for event in await own(client, account)]


async def log_in(client: httpx.AsyncClient, account: Account, password: str = PASSWORD) -> httpx.Response:
    body = {"email": account.email, "password": password}
    return await client.post("/api/v1/auth/login", json=body, headers={**SOMEWHERE, "X-Request-ID": "req-7"})


async def test_a_login_is_on_record_with_where_it_came_from(
    client: httpx.AsyncClient, account: Account, admin: Account
):
    assert (await log_in(client, account)).status_code == 200
    [newest, first] = await own(client, account)
    assert first["action"] == "login.succeeded"
    assert datetime.now(UTC) - datetime.fromisoformat(newest.pop("created_at")) < timedelta(days=1)
    assert newest == {
        "id": newest["id"],
        "action": "login.succeeded",
        "by": "self",
        "address": "203.0.113.9",
        "user_agent": "Some Browser/1.0",
        "occurrences": 1,
    }
    found = (await client.get(ALL, headers=admin.headers, params={"subject_id": account.id})).json()["items"][0]
    assert (found["id"], found["actor_id"], found["request_id"]) == (newest["id"], account.id, "req-7")


async def test_a_failed_login_is_on_record_as_a_strangers(client: httpx.AsyncClient, account: Account, admin: Account):
    for _ in range(3):
        assert (await log_in(client, account, "Wrong-Horse-7")).status_code == 401
    params = {"subject_id": str(account.id), "action": "login.failed"}

    async def counted() -> int:
        items = (await client.get(ALL, headers=admin.headers, params=params)).json()["items"]
        return sum(item["occurrences"] for item in items)

    await eventually(counted, 3)
    [event, *_] = await own(client, account, action="login.failed")
    assert (event["by"], event["address"], event["user_agent"]) == ("unknown", "203.0.113.9", "Some Browser/1.0")


async def test_a_flood_of_failures_is_few_rows(account: Account, accounts: Accounts):
    failed = FailedLogins()
    for number in range(1000):
        failed.note(AuditAction.LOGIN_FAILED, account.id, Client("203.0.113.1", "", f"req-{number}"))
    for number in range(1000):
        failed.note(AuditAction.LOGIN_FAILED, account.id, Client(f"198.51.100.{number}", ""))
    await failed.write(accounts.database)
    await failed.write(accounts.database)
    assert await accounts.value("SELECT count(*) FROM audit_events WHERE subject_id = $1", account.id) == 1 + 50
    alike = "SELECT occurrences FROM audit_events WHERE subject_id = $1 AND request_id = 'req-0'"
    assert await accounts.value(alike, account.id) == 1000


async def test_ends_of_sessions_keys_and_stolen_tokens_are_on_record(
    client: httpx.AsyncClient, account: Account, accounts: Accounts
):
    made = await client.post("/api/v1/users/me/api-keys", json={"name": "k"}, headers=account.headers)
    await client.delete(f"/api/v1/users/me/api-keys/{made.json()['id']}", headers=account.headers)
    tokens = await accounts.log_in(account.email)
    await client.post("/api/v1/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    await client.post("/api/v1/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    stolen = await accounts.log_in(account.email)
    for _ in range(3):
        await client.post("/api/v1/auth/refresh", json={"refresh_token": stolen["refresh_token"]}, headers=SOMEWHERE)
    assert await actions(client, account) == [
        "refresh_token.reused",
        "login.succeeded",
        "session.ended",
        "login.succeeded",
        "api_key.deleted",
        "api_key.made",
        "login.succeeded",
    ]
    reused = (await own(client, account))[0]
    assert (reused["by"], reused["address"]) == ("unknown", "203.0.113.9")
    for _ in range(2):
        await accounts.log_in(account.email)
    await client.delete("/api/v1/users/me/sessions", headers=account.headers)
    ended = "SELECT occurrences FROM audit_events WHERE subject_id = $1 ORDER BY id DESC LIMIT 1"
    assert await accounts.value(ended, account.id) == 3


async def test_what_an_admin_did_is_told_without_where_the_admin_was(
    client: httpx.AsyncClient, account: Account, admin: Account, accounts: Accounts
):
    changed = await client.patch(
        f"/api/v1/users/{account.id}", json={"role": "admin"}, headers={**admin.headers, **SOMEWHERE}
    )
    assert changed.status_code == 200
    event = (await own(client, account))[0]
    assert (event["action"], event["by"], event["address"], event["user_agent"]) == (
        "user.role_changed",
        "other",
        None,
        None,
    )
    found = (await client.get(ALL, headers=admin.headers, params={"subject_id": account.id})).json()["items"][0]
    assert (found["actor_id"], found["address"]) == (admin.id, "203.0.113.9")
    # Disabled by hand, which no route does: on record all the same.
    await accounts.execute("UPDATE users SET disabled_at = now(), role = 'user' WHERE id = $1", account.id)
    found = (await client.get(ALL, headers=admin.headers, params={"subject_id": account.id})).json()["items"][0]
    assert (found["action"], found["actor_id"]) == ("user.disabled", None)


async def test_nobody_sees_what_happened_to_another(client: httpx.AsyncClient, account: Account, stranger: Account):
    assert {event["address"] for event in await own(client, account)} == {"127.0.0.1"}
    mine = {event["id"] for event in await own(client, account)}
    assert not mine & {event["id"] for event in await own(client, stranger)}
    assert (await client.get(OWN)).status_code == 401
    assert (await client.get(ALL, headers=account.headers)).status_code == 403


async def test_the_record_is_asked_by_action_and_time(client: httpx.AsyncClient, account: Account, admin: Account):
    async def total(**params: str) -> int:
        answer = await client.get(ALL, headers=admin.headers, params={"subject_id": str(account.id), **params})
        assert answer.status_code == 200, answer.text
        return answer.json()["total"]

    at = datetime.fromisoformat((await own(client, account))[0]["created_at"])
    later = (at + timedelta(microseconds=1)).isoformat()
    assert await total(**{"from": at.isoformat(), "to": later}) == 1
    assert await total(**{"from": later}) == 0
    assert await total(to=at.isoformat()) == 0
    assert await total(action="login.succeeded") == 1
    assert await total(action="user.deleted") == 0
    for wrong in ({"action": "nonsense"}, {"from": "yesterday"}, {"to": "2026-01-01T00:00:00"}):
        assert (await client.get(ALL, headers=admin.headers, params=wrong)).status_code == 422


@pytest.mark.parametrize(
    "change", ["UPDATE audit_events SET subject_id = 0", "DELETE FROM audit_events", "TRUNCATE audit_events"]
)
async def test_the_record_is_only_added_to(account: Account, accounts: Accounts, change: str):
    assert account.id
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await accounts.execute(change)


async def test_what_is_older_than_the_setting_goes(account: Account, accounts: Accounts):
    for days in (41, 39):
        await accounts.execute(
            "INSERT INTO audit_events (action, subject_id, created_at)"
            " VALUES ('login.failed', $1, now() - make_interval(days => $2))",
            account.id,
            days,
        )
    async with accounts.database.transaction() as connection:
        assert await audit.trim(40, connection, 100) == 1
        assert await audit.trim(40, connection, 100) == 0
    left = "SELECT count(*) FROM audit_events WHERE subject_id = $1 AND action = 'login.failed'"
    assert await accounts.value(left, account.id) == 1
