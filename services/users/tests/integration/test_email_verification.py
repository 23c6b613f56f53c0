"""The proof of an address: POST /auth/verify-email, and asking for the mail again."""

import asyncio
from typing import Any

import httpx
import pytest

from shared.testing.waiting import eventually

from .mails import mail_about, mails_about, token_in
from .people import PASSWORD, Account, Accounts, new_email

pytestmark = pytest.mark.usefixtures("worker")

PATH = "/api/v1/auth/verify-email"


async def _token(sink: Any, account: Account) -> str:
    return token_in(await mail_about(sink, account.email, "Welcome to Gatehouse"))


async def _verified(client: httpx.AsyncClient, account: Account) -> bool:
    return (await client.get("/api/v1/users/me", headers=account.headers)).json()["email_verified"]


async def _finished(accounts: Accounts, user_id: int | None, kind: str) -> None:
    """Wait until no mail of this kind to this user is under way."""
    waiting = """
        SELECT count(*) FROM jobs WHERE type = 'users.link_mail' AND status IN ('queued', 'running')
        AND payload->>'kind' = $1 AND payload->>'user_id' IS NOT DISTINCT FROM $2
    """
    await eventually(lambda: accounts.value(waiting, kind, str(user_id) if user_id else None), 0)


async def test_the_link_of_the_welcome_mail_proves_the_address_once(
    client: httpx.AsyncClient, account: Account, sink: Any
):
    assert not await _verified(client, account)
    token = await _token(sink, account)
    answer = await client.post(PATH, json={"token": token})
    assert (answer.status_code, answer.content) == (204, b"")
    shown = await client.get("/api/v1/users/me", headers=account.headers)
    assert (shown.json()["email_verified"], shown.headers["etag"]) == (True, '"2"')
    again = await client.post(PATH, json={"token": token})
    assert (again.status_code, again.json()["code"]) == (400, "link_not_valid")


async def test_of_two_that_bring_one_token_at_once_one_spends_it(
    client: httpx.AsyncClient, account: Account, accounts: Accounts, sink: Any
):
    token = await _token(sink, account)
    answers = await asyncio.gather(*(client.post(PATH, json={"token": token}) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 5
    recorded = "SELECT count(*) FROM audit_events WHERE subject_id = $1 AND action = 'email.verified'"
    assert await accounts.value(recorded, account.id) == 1


@pytest.mark.parametrize("token", ["x", "ghv_" + "a" * 43, "\N{SNOWMAN}", "ghv_\x00"])
async def test_what_nobody_was_sent_is_no_token(client: httpx.AsyncClient, token: str):
    answer = await client.post(PATH, json={"token": token})
    assert (answer.status_code, answer.json()["code"]) == (400, "link_not_valid")


async def test_a_token_of_one_purpose_is_none_of_another(
    client: httpx.AsyncClient, account: Account, sink: Any, accounts: Accounts
):
    # TRAPS.md, Auth 1: one kind of token is never taken for another
    verify = await _token(sink, account)
    await client.post("/api/v1/auth/password-reset", json={"email": account.email})
    reset = token_in(await mail_about(sink, account.email, "Reset your password"))
    changing = {"token": verify, "current_password": PASSWORD}
    assert (await client.post(PATH, json={"token": reset})).status_code == 400
    for token in (verify, account.tokens["refresh_token"]):
        body = {"token": token, "password": "Another-Horse-8"}
        assert (await client.post("/api/v1/auth/password-reset/confirm", json=body)).status_code == 400
    for token in (verify, reset):
        answer = await client.post("/api/v1/auth/change-email/confirm", json={**changing, "token": token})
        assert answer.status_code == 400
    assert not await _verified(client, account)
    assert await accounts.log_in(account.email)


async def test_a_token_ends_with_its_time_and_is_kept_hashed(
    client: httpx.AsyncClient, account: Account, accounts: Accounts, sink: Any
):
    token = await _token(sink, account)
    rows = await accounts.value("SELECT string_agg(mailed_tokens::text, '') FROM mailed_tokens")
    assert token not in rows
    assert token[4:] not in rows
    await accounts.execute("UPDATE mailed_tokens SET expires_at = now() WHERE user_id = $1", account.id)
    assert (await client.post(PATH, json={"token": token})).status_code == 400


async def test_asked_again_the_newest_link_is_good(client: httpx.AsyncClient, account: Account, sink: Any):
    first = await _token(sink, account)
    answer = await client.post(f"{PATH}/resend", json={"email": account.email.upper()})
    assert (answer.status_code, answer.content) == (202, b"")
    newest = token_in(await mail_about(sink, account.email, "Confirm your e-mail address"))
    assert (await client.post(PATH, json={"token": first})).status_code == 400
    assert (await client.post(PATH, json={"token": newest})).status_code == 204


async def test_a_mailbox_is_not_filled(client: httpx.AsyncClient, account: Account, accounts: Accounts, sink: Any):
    await _token(sink, account)
    for _ in range(5):
        assert (await client.post(f"{PATH}/resend", json={"email": account.email})).status_code == 202
    await _finished(accounts, account.id, "verify_email")
    mails = mails_about(sink, account.email, "Confirm your e-mail address")
    assert len(mails) == 2  # with the welcome mail they are three
    good = [mail for mail in mails if (await client.post(PATH, json={"token": token_in(mail)})).status_code == 204]
    assert len(good) == 1


@pytest.mark.parametrize("kind", ["unknown", "verified", "no address"])
async def test_the_answer_does_not_say_who_needs_a_link(
    client: httpx.AsyncClient, account: Account, accounts: Accounts, sink: Any, kind: str
):
    token = await _token(sink, account)
    await client.post(PATH, json={"token": token})
    email = {"unknown": new_email(), "verified": account.email, "no address": "nobody"}[kind]
    answer = await client.post(f"{PATH}/resend", json={"email": email})
    assert (answer.status_code, answer.content) == (202, b"")
    await _finished(accounts, account.id if kind == "verified" else None, "verify_email")
    assert mails_about(sink, email, "Confirm your e-mail address") == []
