"""POST /auth/password-reset, and what its link does."""

import asyncio
from typing import Any

import httpx
import pytest

from .mails import mail_about, mails_about, token_in
from .people import PASSWORD, Account, Accounts, new_email

pytestmark = pytest.mark.usefixtures("worker")

PATH = "/api/v1/auth/password-reset"
NEW = "Another-Horse-8"


async def _ask(client: httpx.AsyncClient, sink: Any, email: str, count: int = 1) -> str:
    answer = await client.post(PATH, json={"email": email})
    assert (answer.status_code, answer.content) == (202, b"")
    return token_in(await mail_about(sink, email, "Reset your password", count))


async def _confirm(client: httpx.AsyncClient, token: str, password: str = NEW) -> httpx.Response:
    return await client.post(f"{PATH}/confirm", json={"token": token, "password": password})


async def _log_in(client: httpx.AsyncClient, email: str, password: str) -> int:
    return (await client.post("/api/v1/auth/login", json={"email": email, "password": password})).status_code


async def test_the_link_sets_a_new_password_once_and_ends_all_logins(
    client: httpx.AsyncClient, account: Account, sink: Any
):
    token = await _ask(client, sink, account.email)
    answer = await _confirm(client, token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await _log_in(client, account.email, PASSWORD) == 401
    assert await _log_in(client, account.email, NEW) == 200
    assert (await client.get("/api/v1/users/me", headers=account.headers)).status_code == 401
    refresh = {"refresh_token": account.tokens["refresh_token"]}
    assert (await client.post("/api/v1/auth/refresh", json=refresh)).status_code == 401
    again = await _confirm(client, token, "Third-Horse-9")
    assert (again.status_code, again.json()["code"]) == (400, "link_not_valid")
    notice = await mail_about(sink, account.email, "Your password was reset")
    assert NEW not in notice.as_string()
    assert "http" not in notice.get_content()


async def test_of_two_that_bring_one_token_at_once_one_sets_the_password(
    client: httpx.AsyncClient, account: Account, sink: Any
):
    token = await _ask(client, sink, account.email)
    passwords = [f"Another-Horse-{number}" for number in range(4)]
    answers = await asyncio.gather(*(_confirm(client, token, password) for password in passwords))
    assert sorted(answer.status_code for answer in answers) == [204, 400, 400, 400]
    good = [password for password in passwords if await _log_in(client, account.email, password) == 200]
    assert len(good) == 1


async def test_a_new_link_ends_the_older_ones(client: httpx.AsyncClient, account: Account, sink: Any):
    first = await _ask(client, sink, account.email)
    second = await _ask(client, sink, account.email, 2)
    assert (await _confirm(client, first)).status_code == 400
    assert (await _confirm(client, second)).status_code == 204


async def test_a_link_ends_after_half_an_hour(
    client: httpx.AsyncClient, account: Account, accounts: Accounts, sink: Any
):
    token = await _ask(client, sink, account.email)
    lifetime = "SELECT expires_at - created_at = '30 minutes' FROM mailed_tokens WHERE user_id = $1 AND purpose = $2"
    assert await accounts.value(lifetime, account.id, "reset_password") is True
    await accounts.execute("UPDATE mailed_tokens SET expires_at = now() WHERE user_id = $1", account.id)
    assert (await _confirm(client, token)).status_code == 400


async def test_known_and_unknown_leave_the_same_work(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    # TRAPS.md, Auth 4: the answer and what it takes are the same; a job finds out who is meant.
    count = "SELECT count(*) FROM jobs WHERE type = 'users.link_mail'"
    for email in (account.email, new_email(), "no address"):
        before = await accounts.value(count)
        answer = await client.post(PATH, json={"email": email})
        assert (answer.status_code, answer.content) == (202, b"")
        assert await accounts.value(count) == before + 1
    payloads = await accounts.value(
        "SELECT string_agg(payload::text, '') FROM jobs WHERE type = 'users.link_mail' AND payload->>'user_id' = $1",
        str(account.id),
    )
    assert account.email not in payloads


@pytest.mark.parametrize("password", ["short1A", "nouppercase1", "Password1", "Lovelace1815"])
async def test_a_password_that_breaks_a_rule_spends_no_token(
    client: httpx.AsyncClient, account: Account, sink: Any, password: str
):
    token = await _ask(client, sink, account.email)
    answer = await _confirm(client, token, password)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "password")
    assert (await _confirm(client, token)).status_code == 204


async def test_a_disabled_account_is_not_let_in(
    client: httpx.AsyncClient, account: Account, accounts: Accounts, sink: Any
):
    token = await _ask(client, sink, account.email)
    await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    assert (await _confirm(client, token)).status_code == 400
    assert len(mails_about(sink, account.email, "Reset your password")) == 1


async def test_whoever_registered_anothers_address_leaves_nothing_behind(
    client: httpx.AsyncClient, account: Account, accounts: Accounts, sink: Any
):
    # The account was made by somebody who never showed that the address is theirs; its reader takes it over.
    await client.post("/api/v1/users/me/api-keys", headers=account.headers, json={"name": "back door"})
    body = {"current_password": PASSWORD}
    assert (await client.post("/api/v1/users/me/second-factor", headers=account.headers, json=body)).status_code == 201
    await accounts.execute("UPDATE second_factors SET confirmed_at = now() WHERE user_id = $1", account.id)
    token = await _ask(client, sink, account.email)
    assert (await _confirm(client, token)).status_code == 204
    assert await accounts.value("SELECT count(*) FROM api_keys WHERE user_id = $1", account.id) == 0
    assert await accounts.value("SELECT count(*) FROM second_factors WHERE user_id = $1", account.id) == 0
    shown = "SELECT email_verified_at IS NOT NULL FROM users WHERE id = $1"
    assert await accounts.value(shown, account.id) is True
    tokens = (await client.post("/api/v1/auth/login", json={"email": account.email, "password": NEW})).json()
    mine = Account(account.id, account.email, tokens)
    await client.post("/api/v1/users/me/api-keys", headers=mine.headers, json={"name": "script"})
    assert (await _confirm(client, await _ask(client, sink, account.email, 2), PASSWORD)).status_code == 204
    assert await accounts.value("SELECT count(*) FROM api_keys WHERE user_id = $1", account.id) == 1


async def test_a_second_factor_stays_where_the_address_was_proved(
    client: httpx.AsyncClient, account: Account, accounts: Accounts, sink: Any
):
    token = token_in(await mail_about(sink, account.email, "Welcome to Gatehouse"))
    await client.post("/api/v1/auth/verify-email", json={"token": token})
    body = {"current_password": PASSWORD}
    assert (await client.post("/api/v1/users/me/second-factor", headers=account.headers, json=body)).status_code == 201
    await accounts.execute("UPDATE second_factors SET confirmed_at = now() WHERE user_id = $1", account.id)
    assert (await _confirm(client, await _ask(client, sink, account.email))).status_code == 204
    login = await client.post("/api/v1/auth/login", json={"email": account.email, "password": NEW})
    assert (login.status_code, login.json()["code"]) == (401, "second_factor_required")


async def test_it_is_on_record(client: httpx.AsyncClient, account: Account, admin: Account, sink: Any):
    await _confirm(client, await _ask(client, sink, account.email))
    page = (await client.get("/api/v1/audit-events", headers=admin.headers, params={"subject_id": account.id})).json()
    found = {item["action"]: item["actor_id"] for item in page["items"]}
    assert found["password.reset"] == account.id
    assert found["password.reset_requested"] is None


async def test_a_reset_ends_the_wait_of_its_owner(client: httpx.AsyncClient, account: Account, sink: Any):
    statuses = [await _log_in(client, account.email, "Wrong-Horse-7") for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert (await _confirm(client, await _ask(client, sink, account.email))).status_code == 204
    assert await _log_in(client, account.email, NEW) == 200
