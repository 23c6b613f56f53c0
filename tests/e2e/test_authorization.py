"""An application is let in by a person in a browser, and shown the door again: all through the gateway."""

import base64
import hashlib
import re
import secrets
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from e2e_system import Person, System, eventually

REDIRECT_URI = "https://weather.example/back"


@pytest.fixture
def application(client: httpx.Client, boss: Person) -> dict[str, Any]:
    body = {
        "name": "Weather",
        "type": "confidential",
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": [REDIRECT_URI],
        "scopes": ["users:read", "orders:read"],
    }
    made = client.post("/api/v1/oauth/clients", json=body, headers=boss.headers)
    assert made.status_code == 201, made.text
    return made.json()


def submit(browser: httpx.Client, page: httpx.Response, **typed: str) -> httpx.Response:
    """Send the form of a page, and follow the redirect while it stays in the house."""
    assert page.status_code == 200, page.text
    action = re.search(r'<form method="post" action="([^"]+)"', page.text)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert action, page.text
    assert token
    answer = browser.post(unescape(action[1]), data={"csrf_token": token[1], **typed})
    while answer.status_code == 303 and answer.headers["location"].startswith("/"):
        answer = browser.get(answer.headers["location"])
    return answer


@pytest.mark.parametrize("prefix", ["/api/v1", "/api/v2", "/api"])
def test_an_application_is_let_in_and_shown_the_door(
    system: System, client: httpx.Client, boss: Person, person: Person, *, application: dict[str, Any], prefix: str
):
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": application["client_id"],
        "redirect_uri": REDIRECT_URI,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "state": "a state&more",
    }
    with system.client() as browser:
        login = browser.get(f"{prefix}/oauth/authorize", params=asked)
        # The gateway's own policy for an API neither doubles nor weakens the page's.
        (policy,) = login.headers.get_list("content-security-policy")
        assert "form-action 'self' https://weather.example" in policy
        assert "frame-ancestors 'none'" in policy
        assert login.headers.get_list("x-frame-options") == ["DENY"]
        assert login.headers.get_list("referrer-policy") == ["no-referrer"]
        assert login.headers["cache-control"] == "no-store"
        style = re.search(r'rel="stylesheet" href="([^"]+)"', login.text)
        assert style
        assert browser.get(style[1]).headers["content-type"].startswith("text/css")
        consent = submit(browser, login, email=person.email, password=person.password)
        assert "Weather" in consent.text
        allowed = submit(browser, consent, decision="allow")
    assert allowed.headers["location"].startswith(f"{REDIRECT_URI}?")
    told = {name: values[0] for name, values in parse_qs(urlsplit(allowed.headers["location"]).query).items()}
    assert (told["state"], told["iss"]) == ("a state&more", system.gateway)

    form = {
        "grant_type": "authorization_code",
        "code": told["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": verifier,
    }
    credentials = (application["client_id"], application["client_secret"])
    tokens = client.post(f"{prefix}/oauth/token", data=form, auth=credentials).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.get("/api/v1/users/me", headers=headers).json()["id"] == person.id
    assert client.get("/api/v1/orders", headers=headers).json()["items"] == []
    refused = client.get("/api/v1/reports", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    sessions = client.get("/api/v1/users/me/sessions", headers=person.headers).json()["items"]
    assert [session["client"] for session in sessions] == ["Weather", None, None]

    gone = client.delete(f"/api/v1/oauth/clients/{application['client_id']}", headers=boss.headers)
    assert gone.status_code == 204
    eventually(
        lambda: client.get("/api/v1/orders", headers=headers).status_code == 401,
        what="the gateway refuses the tokens of a client that was deleted",
    )
    assert client.get("/api/v1/orders", headers=person.headers).status_code == 200
