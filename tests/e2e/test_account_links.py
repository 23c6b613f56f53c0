"""What comes by mail, through the gateway: an address proved at its page, a password set anew."""

import re
import secrets
from urllib.parse import urlsplit

import httpx
from e2e_system import System, eventually, register, sign_in


def mailed_link(system: System, address: str, subject: str) -> tuple[str, str]:
    """Path and token of the link in the mail of this subject, once it has come."""
    [url] = re.findall(r"^(http\S+)\s*$", system.mailed(address, subject), re.MULTILINE)
    assert url.startswith(system.gateway)
    parts = urlsplit(url)
    return parts.path, parts.fragment


def test_an_address_is_proved_at_the_page_that_the_mail_links_to(client: httpx.Client, breakable: System):
    person = register(client)
    path, token = mailed_link(breakable, person.email, "Welcome to Gatehouse")
    page = client.get(path)
    assert page.status_code == 200
    assert page.headers.get_list("content-security-policy")[0].startswith("default-src 'none'; script-src 'sha256-")
    assert len(page.headers.get_list("content-security-policy")) == 1
    assert page.headers.get_list("referrer-policy") == ["no-referrer"]
    done = client.post(path, data={"token": token})
    assert (done.status_code, "is confirmed" in done.text) == (200, True)
    assert client.get("/api/v1/users/me", headers=person.headers).json()["email_verified"] is True


def test_a_forgotten_password_is_set_anew_and_ends_the_logins(client: httpx.Client, breakable: System):
    person, password = register(client), f"Another1{secrets.token_hex(4)}"
    for email in (person.email, f"{secrets.token_hex(8)}@example.com"):
        asked = client.post("/api/v1/auth/password-reset", json={"email": email})
        assert (asked.status_code, asked.content) == (202, b"")
    _, token = mailed_link(breakable, person.email, "Reset your password")
    body = {"token": token, "password": password}
    assert client.post("/api/v1/auth/password-reset/confirm", json=body).status_code == 204
    assert sign_in(client, person.email, password)
    refused = client.post("/api/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    assert refused.status_code == 401
    eventually(
        lambda: client.get("/api/v1/orders", headers=person.headers).status_code == 401,
        what="the old access token refused by the other services",
    )
