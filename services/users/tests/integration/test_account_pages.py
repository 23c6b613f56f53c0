"""The pages that mailed links lead to."""

import re
from typing import Any

import httpx
import pytest

from .mails import mail_about, token_in
from .people import PASSWORD, Account, new_email

PAGES = ["verify-email", "reset-password", "change-email"]


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_lets_nothing_in_and_nothing_out(client: httpx.AsyncClient, page: str):
    answer = await client.get(f"/account/{page}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert re.search(r'<html lang="en">', answer.text)
    assert all(f'for="{name}"' in answer.text for name in re.findall(r'<input id="([a-z_]+)"', answer.text))


@pytest.mark.usefixtures("worker")
async def test_a_look_spends_nothing_and_the_button_does(client: httpx.AsyncClient, account: Account, sink: Any):
    mail = await mail_about(sink, account.email, "Welcome to Gatehouse")
    [url] = re.findall(
        r"^http://127\.0\.0\.1:8000(/account/verify-email)#\S+$", mail.get_content().replace("\r", ""), re.MULTILINE
    )
    for _ in range(2):
        assert (await client.get(url)).status_code == 200
    done = await client.post(url, data={"token": token_in(mail)})
    assert (done.status_code, "is confirmed" in done.text) == (200, True)
    again = await client.post(url, data={"token": token_in(mail)})
    assert (again.status_code, "not valid" in again.text) == (400, True)
    assert (await client.get("/api/v1/users/me", headers=account.headers)).json()["email_verified"] is True


@pytest.mark.usefixtures("worker")
async def test_a_password_is_set_at_the_second_try(client: httpx.AsyncClient, account: Account, sink: Any):
    await client.post("/api/v1/auth/password-reset", json={"email": account.email})
    token = token_in(await mail_about(sink, account.email, "Reset your password"))
    weak = await client.post("/account/reset-password", data={"token": token, "password": "weak"})
    assert (weak.status_code, 'role="alert"' in weak.text, f'value="{token}"' in weak.text) == (422, True, True)
    assert "weak" not in weak.text
    done = await client.post("/account/reset-password", data={"token": token, "password": "Another-Horse-8"})
    assert done.status_code == 200
    login = {"email": account.email, "password": "Another-Horse-8"}
    assert (await client.post("/api/v1/auth/login", json=login)).status_code == 200


@pytest.mark.usefixtures("worker")
async def test_an_address_is_confirmed_with_the_password(client: httpx.AsyncClient, account: Account, sink: Any):
    email = new_email()
    await client.patch(f"/api/v1/users/{account.id}", headers=account.headers, json={"email": email})
    token = token_in(await mail_about(sink, email, "Confirm your new e-mail address"))
    wrong = await client.post("/account/change-email", data={"token": token, "current_password": "Wrong-Horse-7"})
    assert (wrong.status_code, "is wrong" in wrong.text) == (403, True)
    body = {"token": token, "current_password": PASSWORD, "code": ""}
    assert (await client.post("/account/change-email", data=body)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
async def test_what_is_typed_stands_on_the_page_as_text(client: httpx.AsyncClient, page: str):
    evil = '"><script>alert(1)</script>'
    answer = await client.post(f"/account/{page}", data={"token": evil, "password": evil, "current_password": evil})
    assert answer.status_code == 400
    assert "<script>alert" not in answer.text


async def test_forms_that_are_none(client: httpx.AsyncClient):
    path = "/account/verify-email"
    json = await client.post(path, json={"token": "x"})
    assert (json.status_code, json.json()["code"]) == (415, "unsupported_media_type")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (b"token=%ff", b"\xff", b"&".join(b"a=b" for _ in range(20))):
        answer = await client.post(path, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_form")
    assert (await client.post(path, content=b"", headers=headers)).status_code == 400
