"""Another address for one's account: asked for, proved, confirmed with the password."""

from typing import Any

import httpx
import pytest

from .mails import mail_about, token_in
from .people import PASSWORD, Account, Accounts, new_email

pytestmark = pytest.mark.usefixtures("worker")

PATH = "/api/v1/auth/change-email/confirm"
SUBJECT = "Confirm your new e-mail address"


async def _ask(client: httpx.AsyncClient, account: Account, email: str) -> dict[str, Any]:
    answer = await client.patch(f"/api/v1/users/{account.id}", headers=account.headers, json={"email": email})
    assert answer.status_code == 200
    return answer.json()


async def _confirm(client: httpx.AsyncClient, token: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    return await client.post(PATH, json={"token": token, "current_password": password}, headers=headers)


async def _me(client: httpx.AsyncClient, account: Account) -> dict[str, Any]:
    return (await client.get("/api/v1/users/me", headers=account.headers)).json()


async def test_it_is_done_when_the_new_address_is_proved_with_the_password(
    client: httpx.AsyncClient, account: Account, accounts: Accounts, sink: Any
):
    email, other = new_email(), Account(account.id, account.email, await accounts.log_in(account.email))
    shown = await _ask(client, account, email)
    assert (shown["email"], shown["pending_email"]) == (account.email, email)
    assert await mail_about(sink, account.email, "Your e-mail address is to be changed")
    token = token_in(await mail_about(sink, email, SUBJECT))
    assert (await _confirm(client, token)).status_code == 204
    mine = await _me(client, account)
    assert (mine["email"], mine["email_verified"], "pending_email" in mine) == (email, True, False)
    assert (await client.get("/api/v1/users/me", headers=other.headers)).status_code == 401
    assert await accounts.log_in(email)
    old = await client.post("/api/v1/auth/login", json={"email": account.email, "password": PASSWORD})
    assert old.status_code == 401
    told = await mail_about(sink, account.email, "Your e-mail address was changed")
    assert email not in told.as_string()
    assert (await _confirm(client, token)).status_code == 400


async def test_a_stolen_token_alone_changes_nothing(client: httpx.AsyncClient, account: Account, sink: Any):
    email = new_email()
    await _ask(client, account, email)
    token = token_in(await mail_about(sink, email, SUBJECT))
    answer = await _confirm(client, token, "Wrong-Horse-7", **{"X-Forwarded-For": "198.51.100.88"})
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_failed")
    assert (await _me(client, account))["email"] == account.email
    assert (await _confirm(client, token)).status_code == 204


async def test_the_link_to_an_address_that_was_given_up_is_good_for_nothing(
    client: httpx.AsyncClient, account: Account, sink: Any
):
    first, second = new_email(), new_email()
    await _ask(client, account, first)
    token = token_in(await mail_about(sink, first, SUBJECT))
    await _ask(client, account, second)
    assert (await _confirm(client, token)).status_code == 400
    assert (await _confirm(client, token_in(await mail_about(sink, second, SUBJECT)))).status_code == 204
    assert (await _me(client, account))["email"] == second


async def test_the_owner_of_a_taken_address_is_told_and_keeps_it(
    client: httpx.AsyncClient, account: Account, stranger: Account, sink: Any
):
    await _ask(client, account, stranger.email)
    mail = await mail_about(sink, stranger.email, "Your e-mail address has an account already")
    assert "http" not in mail.get_content()
    assert (await _me(client, stranger))["email"] == stranger.email


async def test_an_address_that_is_taken_meanwhile_stays_with_who_has_it(
    client: httpx.AsyncClient, account: Account, sink: Any
):
    email = new_email()
    await _ask(client, account, email)
    token = token_in(await mail_about(sink, email, SUBJECT))
    await client.post("/api/v1/users", json={"name": "Grace Hopper", "email": email, "password": PASSWORD})
    answer = await _confirm(client, token)
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
    assert (await _me(client, account))["email"] == account.email


async def test_a_reset_ends_what_was_asked_for(client: httpx.AsyncClient, account: Account, sink: Any):
    email = new_email()
    await _ask(client, account, email)
    token = token_in(await mail_about(sink, email, SUBJECT))
    await client.post("/api/v1/auth/password-reset", json={"email": account.email})
    reset = token_in(await mail_about(sink, account.email, "Reset your password"))
    body = {"token": reset, "password": "Another-Horse-8"}
    assert (await client.post("/api/v1/auth/password-reset/confirm", json=body)).status_code == 204
    assert (await _confirm(client, token, "Another-Horse-8")).status_code == 400


async def test_an_admin_sets_it_at_once_and_it_is_to_be_proved_anew(
    client: httpx.AsyncClient, account: Account, admin: Account, sink: Any
):
    email = new_email()
    path = f"/api/v1/users/{account.id}"
    answer = await client.patch(path, headers=admin.headers, json={"email": email})
    assert (answer.status_code, answer.json()["email"], answer.json()["email_verified"]) == (200, email, False)
    assert token_in(await mail_about(sink, email, "Confirm your e-mail address")).startswith("ghv_")
    page = (await client.get("/api/v1/audit-events", headers=admin.headers, params={"subject_id": account.id})).json()
    assert ("email.changed", admin.id) in {(item["action"], item["actor_id"]) for item in page["items"]}
    # An admin's own address is nobody's to set at once, or a stolen token of theirs would be the account.
    own = await client.patch(f"/api/v1/users/{admin.id}", headers=admin.headers, json={"email": new_email()})
    assert (own.status_code, own.json()["email"]) == (200, admin.email)


async def test_what_was_begun_before_an_admin_set_it_is_over(
    client: httpx.AsyncClient, account: Account, admin: Account, sink: Any
):
    wanted, given = new_email(), new_email()
    await _ask(client, account, wanted)
    token = token_in(await mail_about(sink, wanted, SUBJECT))
    answer = await client.patch(f"/api/v1/users/{account.id}", headers=admin.headers, json={"email": given})
    assert (answer.status_code, "pending_email" in answer.json()) == (200, False)
    # Who reads the old address is told, and nobody goes on who had logged in under it.
    assert await mail_about(sink, account.email, "Your e-mail address was changed")
    assert (await client.get("/api/v1/users/me", headers=account.headers)).status_code == 401
    assert (await _confirm(client, token)).status_code == 400
