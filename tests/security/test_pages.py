"""RFC 9700, OWASP: the pages of OAuth: forms of others, frames, redirects to elsewhere, sessions that were planted."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from e2e_system import Person, System, register

CALLBACK = "https://client.example/callback"
AUTHORIZE = "/api/v1/oauth/authorize"


@dataclass(frozen=True)
class Client:
    """A confidential OAuth client and its secret."""

    client_id: str
    secret: str


@pytest.fixture(scope="session")
def program(client: httpx.Client, boss: Person) -> Client:
    body = {
        "name": "Attacked",
        "type": "confidential",
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": [CALLBACK],
        "scopes": ["users:read", "orders:read"],
    }
    answer = client.post("/api/v1/oauth/clients", json=body, headers=boss.headers)
    assert answer.status_code == 201, answer.text
    return Client(answer.json()["client_id"], answer.json()["client_secret"])


VERIFIER = secrets.token_urlsafe(48)
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def request_of(program: Client, **changed: str) -> dict[str, str]:
    right = {
        "response_type": "code",
        "client_id": program.client_id,
        "redirect_uri": CALLBACK,
        "scope": "users:read",
        "state": "xyz",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (right | changed).items() if value}


def form_token(page: httpx.Response) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def signed_in(browser: httpx.Client, person: Person, query: dict[str, str]) -> httpx.Response:
    page = browser.get(AUTHORIZE, params=query)
    form = {"email": person.email, "password": person.password, "csrf_token": form_token(page)}
    answer = browser.post(f"{AUTHORIZE}/login", params=query, data=form)
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["location"])


def code_for(browser: httpx.Client, person: Person, query: dict[str, str]) -> str:
    page = signed_in(browser, person, query)
    form = {"decision": "allow", "csrf_token": form_token(page)}
    answer = browser.post(f"{AUTHORIZE}/consent", params=query, data=form)
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def exchange(client: httpx.Client, program: Client, code: str, **changed: str) -> httpx.Response:
    form: dict[str, Any] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    } | changed
    return client.post("/api/v1/oauth/token", data=form, auth=(program.client_id, program.secret))


def test_auth_2_the_control_a_right_code_becomes_tokens(system: System, client: httpx.Client, program: Client):
    person = register(client)
    with system.client() as browser:
        code = code_for(browser, person, request_of(program))
    assert exchange(client, program, code).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "https://attacker.example/callback",
        f"{CALLBACK}/",
        f"{CALLBACK}?x=1",
        f"{CALLBACK}#x",
        f"{CALLBACK}/../evil",
        "https://client.example.attacker.example/callback",
        "https://client.example@attacker.example/callback",
        "https://client.example%2eattacker.example/callback",
        "HTTPS://client.example/callback",
        "http://client.example/callback",
        "//client.example/callback",
        "https:client.example/callback",
        "https://client.example:443/callback",
        "javascript:alert(1)//callback",
        "data:text/html,x",
        f"{CALLBACK}\r\nX: 1",
        f" {CALLBACK}",
        f"{CALLBACK}\0",
        "",
    ],
)
def test_auth_2_no_answer_goes_to_an_address_that_is_not_the_clients(
    address: str, system: System, program: Client, person: Person
):
    """Before anybody signed in, and after: the error is a page here, and never a redirect."""
    with system.client() as browser:
        before = browser.get(AUTHORIZE, params=request_of(program, redirect_uri=address))
        signed_in(browser, person, request_of(program))
        after = browser.get(AUTHORIZE, params=request_of(program, redirect_uri=address))
        for answer in (before, after):
            assert answer.status_code == 400, answer.headers
            assert "location" not in answer.headers


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": ""},
        {"code_challenge": "short"},
        {"response_type": "token"},
        {"response_type": "code id_token"},
        {"response_mode": "fragment"},
        {"scope": "users:read admin"},
        {"request": "e30.e30."},
        {"request_uri": "https://attacker.example/request"},
    ],
    ids=str,
)
def test_auth_2_a_weaker_request_gets_no_code(changed: dict[str, str], system: System, program: Client):
    with system.client() as browser:
        answer = browser.get(AUTHORIZE, params=request_of(program, **changed))
    assert answer.status_code == 303
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    assert "code" not in told
    assert told["error"][0]


def test_auth_2_a_code_is_good_once_for_its_client_its_address_and_its_verifier(
    system: System, client: httpx.Client, boss: Person, program: Client
):
    person = register(client)
    body = {
        "name": "Other",
        "type": "confidential",
        "grants": ["authorization_code"],
        "redirect_uris": [CALLBACK],
        "scopes": ["users:read"],
    }
    made = client.post("/api/v1/oauth/clients", json=body, headers=boss.headers).json()
    other = Client(made["client_id"], made["client_secret"])
    with system.client() as browser:
        first = code_for(browser, person, request_of(program))

        def another() -> str:
            answer = browser.get(AUTHORIZE, params=request_of(program))
            return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

        codes = [another() for _ in range(3)]
    assert exchange(client, program, codes[0], code_verifier="x" * 43).json()["error"] == "invalid_grant"
    assert exchange(client, program, codes[0]).json()["error"] == "invalid_grant", "a wrong proof spends the code"
    assert exchange(client, program, codes[1], redirect_uri=f"{CALLBACK}/").json()["error"] == "invalid_grant"
    assert exchange(client, other, codes[2]).json()["error"] == "invalid_grant"
    tokens = exchange(client, program, first).json()
    assert exchange(client, program, first).json()["error"] == "invalid_grant"
    spent = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    after = client.post("/api/v1/oauth/token", data=spent, auth=(program.client_id, program.secret))
    assert after.json()["error"] == "invalid_grant", "a code that came twice ends what it began"


def test_a_form_of_another_site_or_browser_or_request_is_not_taken(
    system: System, program: Client, person: Person, stranger: Person
):
    query = request_of(program)
    login = {"email": person.email, "password": person.password}
    with system.client() as mine, system.client() as theirs:
        page = mine.get(AUTHORIZE, params=query)
        foreign = form_token(theirs.get(AUTHORIZE, params=query))
        for token in ("", "x", foreign):
            answer = mine.post(f"{AUTHORIZE}/login", params=query, data={**login, "csrf_token": token})
            assert answer.status_code == 403, token
        right = {**login, "csrf_token": form_token(page)}
        cross = {"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example"}
        assert mine.post(f"{AUTHORIZE}/login", params=query, data=right, headers=cross).status_code == 403
        other_request = request_of(program, scope="orders:read")
        assert mine.post(f"{AUTHORIZE}/login", params=other_request, data=right).status_code == 403
        consent = signed_in(mine, person, query)
        theirs_consent = form_token(signed_in(theirs, stranger, query))
        for token in ("", form_token(page), theirs_consent):
            form = {"decision": "allow", "csrf_token": token}
            assert mine.post(f"{AUTHORIZE}/consent", params=query, data=form).status_code == 403
        wider = request_of(program, scope="users:read orders:read")
        form = {"decision": "allow", "csrf_token": form_token(consent)}
        assert mine.post(f"{AUTHORIZE}/consent", params=wider, data=form).status_code == 403


def test_a_cookie_that_was_planted_is_never_signed_in(system: System, program: Client, person: Person):
    """Session fixation: the attacker knows the victim's cookie before the login, and has nothing after it."""
    query = request_of(program)
    with system.client() as victim:
        victim.get(AUTHORIZE, params=query)
        [(name, planted)] = victim.cookies.items()
        signed_in(victim, person, query)
        assert victim.cookies[name] != planted
    with system.client(cookies={name: planted}) as attacker:
        page = attacker.get(AUTHORIZE, params=query)
        assert 'name="password"' in page.text


def test_no_page_is_framed_kept_or_scripted_and_the_cookie_is_closed(system: System, program: Client, person: Person):
    query = request_of(program, state='"><script>alert(1)</script>')
    with system.client() as browser:
        first = browser.get(AUTHORIZE, params=query)
        cookie = first.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        pages = [first, signed_in(browser, person, query), browser.get(AUTHORIZE, params={"client_id": "<script>"})]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers.get_list("x-frame-options") == ["DENY"]
        assert "no-store" in page.headers["cache-control"]
        assert "<script" not in page.text
        assert person.password not in page.text


def test_an_application_does_not_get_at_what_guards_the_account(system: System, client: httpx.Client, program: Client):
    person = register(client)
    with system.client() as browser:
        code = code_for(browser, person, request_of(program))
    token = exchange(client, program, code).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/users/me", headers=headers).status_code == 200
    assert client.get("/api/v1/orders", headers=headers).status_code == 403
    refused = [
        client.post("/api/v1/users/me/api-keys", json={"name": "stay"}, headers=headers),
        client.delete(f"/api/v1/users/{person.id}", headers=headers),
        client.put("/api/v1/users/me/password", json={}, headers=headers),
        client.get("/api/v1/users", headers=headers),
    ]
    assert {answer.status_code for answer in refused} == {403}
