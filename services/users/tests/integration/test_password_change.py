"""PUT /users/me/password: re-authenticates, ends the other logins, tells the owner."""

import asyncio
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from shared.testing.waiting import eventually
from users import changing_password, signing_in

from .mails import mail_about
from .people import GATEWAY, PASSWORD, Account, Accounts
from .test_ended_tokens import ended

PATH = "/api/v1/users/me/password"
NEW = "Another-Horse-8"


async def _change(
    client: httpx.AsyncClient, account: Account, current: str = PASSWORD, new: str = NEW, **more: str
) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await client.put(PATH, headers={**account.headers, **more}, json=body)


async def _log_in(client: httpx.AsyncClient, account: Account, password: str) -> httpx.Response:
    return await client.post("/api/v1/auth/login", json={"email": account.email, "password": password})


async def _refresh(client: httpx.AsyncClient, tokens: dict[str, Any]) -> int:
    body = {"refresh_token": tokens["refresh_token"]}
    return (await client.post("/api/v1/auth/refresh", json=body)).status_code


async def test_the_new_password_is_good_and_the_old_one_is_not(client: httpx.AsyncClient, account: Account):
    answer = await _change(client, account)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await _log_in(client, account, PASSWORD)).status_code == 401
    assert (await _log_in(client, account, NEW)).status_code == 200


async def test_this_login_goes_on_and_the_others_end(
    client: httpx.AsyncClient, account: Account, accounts: Accounts, redis: Redis
):
    other = Account(account.id, account.email, await accounts.log_in(account.email))
    assert (await _change(client, account)).status_code == 204
    assert (await client.get("/api/v1/users/me", headers=account.headers)).status_code == 200
    assert (await client.get("/api/v1/users/me", headers=other.headers)).status_code == 401
    assert await _refresh(client, other.tokens) == 401
    assert await _refresh(client, account.tokens) == 200
    await eventually(lambda: ended(redis, other), True)
    assert not await ended(redis, account)


async def test_a_wrong_current_password_changes_nothing_and_is_counted(client: httpx.AsyncClient, account: Account):
    statuses = []
    for _ in range(6):
        answer = await _change(client, account, "Wrong-Horse-7", **{"X-Forwarded-For": "198.51.100.77"})
        statuses.append((answer.status_code, answer.json()["code"]))
    assert statuses == [(403, "reauthentication_failed")] * 5 + [(429, "too_many_failures")]
    assert (await _log_in(client, account, PASSWORD)).status_code == 200


@pytest.mark.parametrize("new", ["short1A", "nouppercase1", "Password1", ""])
async def test_the_rules_hold_for_the_new_one(client: httpx.AsyncClient, account: Account, new: str):
    answer = await _change(client, account, new=new)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert [error["field"] for error in answer.json()["errors"]] == ["new_password"]
    assert (await _log_in(client, account, PASSWORD)).status_code == 200


async def test_an_api_key_cannot(client: httpx.AsyncClient, account: Account):
    key = (await client.post("/api/v1/users/me/api-keys", headers=account.headers, json={"name": "script"})).json()
    token = (await client.post("/internal/api-keys/exchange", json={"api_key": key["key"]}, auth=GATEWAY)).json()[
        "access_token"
    ]
    body = {"current_password": PASSWORD, "new_password": NEW}
    answer = await client.put(PATH, headers={"Authorization": f"Bearer {token}"}, json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await client.put(PATH, json=body)).status_code == 401


async def test_of_two_changes_at_once_one_is_made(
    client: httpx.AsyncClient, account: Account, monkeypatch: pytest.MonkeyPatch
):
    # Both have shown the right password before either is written.
    both = asyncio.Barrier(2)
    reauthenticate = changing_password.reauthenticate

    async def together(*args: Any) -> Any:
        found = await reauthenticate(*args)
        await both.wait()
        return found

    monkeypatch.setattr(changing_password, "reauthenticate", together)
    answers = await asyncio.gather(*(_change(client, account, new=f"Another-Horse-{number}") for number in (8, 9)))
    assert sorted(answer.status_code for answer in answers) == [204, 403]
    won = next(number for number, answer in zip((8, 9), answers, strict=True) if answer.status_code == 204)
    assert (await _log_in(client, account, f"Another-Horse-{won}")).status_code == 200


async def test_a_login_that_overlaps_the_change_does_not_outlive_it(
    client: httpx.AsyncClient, account: Account, monkeypatch: pytest.MonkeyPatch
):
    begin = signing_in.begin_session

    async def late(*args: Any) -> Any:
        assert (await _change(client, account)).status_code == 204
        return await begin(*args)

    monkeypatch.setattr(signing_in, "begin_session", late)
    assert (await _log_in(client, account, PASSWORD)).status_code == 401


async def test_it_is_on_record(client: httpx.AsyncClient, account: Account, admin: Account):
    await _change(client, account, **{"X-Request-ID": "req-password"})
    page = (await client.get("/api/v1/audit-events", headers=admin.headers, params={"subject_id": account.id})).json()
    found = [item for item in page["items"] if item["action"] == "password.changed"]
    assert [(item["actor_id"], item["request_id"]) for item in found] == [(account.id, "req-password")]


@pytest.mark.usefixtures("worker")
async def test_the_owner_is_told_by_mail(client: httpx.AsyncClient, account: Account, sink: Any):
    await _change(client, account)
    mail = await mail_about(sink, account.email, "Your password was changed")
    assert "Hello Ada Lovelace," in mail.get_content()
    assert NEW not in mail.as_string()
