"""The login and consent pages: forms that only their browser can send, and pages that nobody can frame or fill."""

import re
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import Response

from users.oauth.browser import BrowserCookie
from users.oauth.scope_words import in_words

from .oauth_visiting import AUTHORIZE, REDIRECT_URI, App, Apps, Page, Visitor, told
from .people import Account, Accounts

COOKIE = "gatehouse_browser"
SESSIONS = "/api/v1/users/me/sessions"


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    (value,) = answer.headers.get_list("content-security-policy")
    return {name: sources for name, *sources in (part.split() for part in value.split(";"))}


async def test_no_page_can_be_framed_kept_or_scripted(app: App, account: Account, visitor: Visitor):
    login = await visitor.open(app.request())
    consent = await visitor.sign_in(login, account.email)
    wrong = await visitor.open(app.request(redirect_uri="https://evil.example/"))
    for page in (login, consent, wrong):
        found = policy(page)
        assert found["default-src"] == found["frame-ancestors"] == found["base-uri"] == ["'none'"]
        assert "script-src" not in found
        assert found["style-src"] == ["'self'"]
        assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "script" not in Page(page).tags
        assert re.search(r"<[^>]* (style|on\w+)=", page.text) is None
    # A browser asks the policy of a form's page for the redirect that answers the form as well.
    assert policy(login)["form-action"] == policy(consent)["form-action"] == ["'self'", "https://app.example.com"]
    assert policy(wrong)["form-action"] == ["'none'"]


async def test_the_pages_can_be_read_and_filled_in_by_everybody(app: App, account: Account, visitor: Visitor):
    login = await visitor.open(app.request())
    assert '<html lang="en">' in login.text
    for field in ("email", "password"):
        assert f'<label for="{field}">' in login.text
        assert f'id="{field}"' in login.text
    wrong = await visitor.sign_in(login, account.email, "Wrong-Horse-7")
    assert 'role="alert"' in wrong.text
    assert 'aria-describedby="problem"' in wrong.text
    style = await visitor.http.get(f"{AUTHORIZE}/page.css")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert f'href="{AUTHORIZE}/page.css"' in login.text
    assert "prefers-color-scheme: dark" in style.text


async def test_a_clients_name_is_text(apps: Apps, account: Account, visitor: Visitor):
    app = await apps.make(name='<script>alert(1)</script>"><img src=x>')
    login = await visitor.open(app.request())
    consent = await visitor.sign_in(login, account.email)
    for page in (login, consent):
        assert not {"script", "img"} & set(Page(page).tags)
        assert "<script>alert(1)</script>" in Page(page).text


async def test_what_was_typed_comes_back_as_text_and_the_password_never(app: App, visitor: Visitor):
    page = await visitor.sign_in(await visitor.open(app.request()), '"><script>x</script>', "Secret-Horse-7")
    assert page.status_code == 401
    assert "script" not in Page(page).tags
    assert "Secret-Horse-7" not in page.text


async def test_the_consent_page_says_who_wants_what_of_whom(app: App, account: Account, visitor: Visitor):
    page = Page(await visitor.sign_in(await visitor.open(app.request()), account.email))
    for words in ("Weather", account.email, "app.example.com", in_words("users:read"), in_words("orders:read")):
        assert words in page.text
    assert in_words("orders:write") not in page.text


async def test_unknown_wrong_and_disabled_are_answered_alike(
    app: App, account: Account, visitor: Visitor, accounts: Accounts
):
    # TRAPS.md, Auth 4
    answers = [await visitor.sign_in(await visitor.open(app.request()), account.email, "Wrong-Horse-7")]
    answers.append(await visitor.sign_in(answers[0], f"x{account.email}"))
    await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    answers.append(await visitor.sign_in(answers[0], account.email))
    assert {answer.status_code for answer in answers} == {401}
    assert all("www-authenticate" in answer.headers for answer in answers)
    assert len({re.search(r'role="alert">([^<]*)<', answer.text)[1] for answer in answers}) == 1  # type: ignore[index]


async def test_guessing_at_the_page_is_throttled_as_at_the_api(app: App, account: Account, visitor: Visitor):
    page = await visitor.open(app.request())
    for _ in range(5):
        page = await visitor.sign_in(page, account.email, "Wrong-Horse-7")
        assert page.status_code == 401
    refused = await visitor.sign_in(page, account.email)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert 'role="alert"' in refused.text


@pytest.mark.parametrize("step", ["login", "consent"])
@pytest.mark.parametrize("way", ["none", "made up", "of another browser", "of another step", "of another request"])
async def test_a_form_that_its_browser_was_not_shown_is_refused(
    app: App, account: Account, visitor: Visitor, other_visitor: Visitor, *, way: str, step: str
):
    async def page_of(browser: Visitor, **changes: str) -> Page:
        page = await browser.open(app.request(**changes))
        return Page(await browser.sign_in(page, account.email) if step == "consent" else page)

    page = await page_of(visitor)
    typed = {"email": account.email, "password": "Correct-Horse-7", "decision": "allow"}
    action = page.action
    if way == "of another browser":
        # Login CSRF: the attacker's own page and token, in the victim's browser.
        typed |= (await page_of(other_visitor)).fields
    elif way == "of another step":
        typed |= page.fields
        other = {"login": "consent", "consent": "login"}[step]
        action = action.replace(f"/{step}?", f"/{other}?")
    elif way == "of another request":
        typed |= page.fields
        action = action.replace("users%3Aread", "users%3Awrite")
        assert action != page.action
    elif way == "made up":
        typed["csrf_token"] = f"{'a' * 22}.{'0' * 64}"
    before = visitor.http.cookies.get(COOKIE)
    answer = await visitor.http.post(action, data=typed)
    if way == "of another step" and step == "login":
        # Nobody is signed in: consent is not even looked at.
        assert (answer.status_code, "code=" in answer.headers["location"]) == (303, False)
    else:
        assert answer.status_code == 403
        assert "location" not in answer.headers
    assert visitor.http.cookies.get(COOKIE) == before


async def test_a_form_sent_by_another_site_is_refused(app: App, account: Account, visitor: Visitor):
    page = Page(await visitor.open(app.request()))
    typed = {**page.fields, "email": account.email, "password": "Correct-Horse-7"}
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (await visitor.http.post(page.action, data=typed, headers=headers)).status_code == 403
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert (await visitor.http.post(page.action, data=typed, headers=headers)).status_code == 303


@pytest.mark.parametrize("step", ["login", "second-factor", "consent"])
async def test_a_form_that_is_opened_again_leads_back_to_its_page(app: App, visitor: Visitor, step: str):
    asked = app.request(state="a&b\r\nLocation: https://evil.example")
    answer = await visitor.http.get(f"{AUTHORIZE}/{step}", params=asked)
    parts = urlsplit(answer.headers["location"])
    assert (answer.status_code, parts.netloc, parts.path) == (303, "", AUTHORIZE)
    assert dict(parse_qsl(parts.query)) == asked
    assert "Sign in" in (await visitor.http.get(answer.headers["location"])).text
    unreadable = await visitor.http.get(f"{AUTHORIZE}/{step}?state=%ff")
    assert unreadable.status_code == 400


async def test_a_cookie_that_was_planted_is_never_signed_in(
    app: App, account: Account, visitor: Visitor, other_visitor: Visitor
):
    page = await other_visitor.open(app.request())
    planted = other_visitor.http.cookies[COOKIE]
    visitor.http.cookies.set(COOKIE, planted, domain="127.0.0.1")
    page = await visitor.open(app.request())
    await visitor.sign_in(page, account.email)
    assert visitor.http.cookies[COOKIE] != planted
    assert "Sign in" in (await other_visitor.open(app.request())).text


async def test_another_login_is_another_cookie_and_the_old_one_ends(app: App, account: Account, visitor: Visitor):
    await visitor.sign_in(await visitor.open(app.request()), account.email)
    before = visitor.http.cookies[COOKIE]
    page = await visitor.open(app.request(prompt="login"))
    assert "Sign in" in page.text
    await visitor.sign_in(page, account.email)
    assert visitor.http.cookies[COOKIE] != before
    visitor.http.cookies.clear()
    visitor.http.cookies.set(COOKIE, before, domain="127.0.0.1")
    assert "Sign in" in (await visitor.open(app.request())).text


async def test_the_cookie_is_for_this_host_and_no_script(app: App, account: Account, visitor: Visitor):
    login = await visitor.http.get(AUTHORIZE, params=app.request())
    page = Page(login)
    typed = {**page.fields, "email": account.email, "password": "Correct-Horse-7"}
    signed_in = await visitor.http.post(page.action, data=typed)
    for answer in (login, signed_in):
        (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "lax", "/", "")


def test_behind_tls_the_cookie_cannot_be_planted_by_another_host():
    cookie, response = BrowserCookie("https://id.example.com"), Response()
    cookie.write(response, cookie.another())
    (name,) = SimpleCookie(response.headers["set-cookie"])
    assert name.startswith("__Host-")
    assert "Secure" in response.headers["set-cookie"]


async def test_who_let_whom_in_is_on_record(app: App, account: Account, visitor: Visitor, accounts: Accounts):
    await visitor.let_in(app, account.email)
    allowed = "SELECT client_id FROM audit_events WHERE actor_id = $1 AND action = 'oauth.client_allowed'"
    assert await accounts.value(allowed, account.id) == app.client_id
    logins = "SELECT count(*) FROM audit_events WHERE actor_id = $1 AND action = 'login.succeeded'"
    assert await accounts.value(logins, account.id) == 2


async def test_a_denial_is_told(app: App, account: Account, visitor: Visitor):
    consent = await visitor.sign_in(await visitor.open(app.request()), account.email)
    answer = told(await visitor.submit(consent, decision="deny"))
    assert (answer["error"], "code" in answer) == ("access_denied", False)
    assert answer["state"] == app.request()["state"]
    # Asked again: a denial is not kept, and no consent either.
    assert "Allow access?" in (await visitor.open(app.request())).text


async def test_consent_is_kept_and_asked_again_for_more(app: App, apps: Apps, account: Account, visitor: Visitor):
    await visitor.let_in(app, account.email)
    assert "code" in told(await visitor.open(app.request()))
    assert "code" in told(await visitor.open(app.request(scope="orders:read", prompt="none")))
    assert "Allow access?" in (await visitor.open(app.request(prompt="consent"))).text
    more = app.request(scope="users:read orders:read orders:write")
    assert told(await visitor.open({**more, "prompt": "none"}))["error"] == "consent_required"
    page = await visitor.open(more)
    assert in_words("orders:write") in page.text
    await visitor.submit(page, decision="allow")
    assert "code" in told(await visitor.open(more))
    other = await apps.make(name="Another")
    assert "Another" in (await visitor.open(other.request())).text


async def test_consent_is_its_owners(app: App, account: Account, stranger: Account, visitor: Visitor):
    await visitor.let_in(app, account.email)
    page = await visitor.sign_in(await visitor.open(app.request(prompt="login")), stranger.email)
    assert stranger.email in page.text
    assert "Allow access?" in page.text


async def test_consent_is_not_kept_for_who_cannot_prove_who_it_is(apps: Apps, account: Account, visitor: Visitor):
    # RFC 8252 section 8.6: any program on the machine can listen there.
    app = await apps.make(public=True, redirect_uris=("http://127.0.0.1/back",))
    await visitor.let_in(app, account.email)
    assert "Allow access?" in (await visitor.open(app.request())).text
    public = await apps.make(public=True)
    await visitor.let_in(public, account.email, prompt="login")
    assert "code" in told(await visitor.open(public.request()))


async def test_the_browsers_login_is_a_session_that_its_owner_ends(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor
):
    await visitor.let_in(app, account.email)
    await client.delete(SESSIONS, headers=account.headers)
    assert "Sign in" in (await visitor.open(app.request())).text


async def test_a_browsers_login_ends_by_itself(app: App, account: Account, visitor: Visitor, accounts: Accounts):
    await visitor.let_in(app, account.email)
    await accounts.execute(
        "UPDATE sessions SET expires_at = now() WHERE user_id = $1 AND browser_digest IS NOT NULL", account.id
    )
    assert told(await visitor.open(app.request(prompt="none")))["error"] == "login_required"


async def test_the_browsers_secret_is_stored_hashed(app: App, account: Account, visitor: Visitor, accounts: Accounts):
    # TRAPS.md, Auth 6
    await visitor.let_in(app, account.email)
    dump = await accounts.value("SELECT string_agg(sessions::text, '') FROM sessions")
    assert visitor.http.cookies[COOKIE] not in dump


@pytest.mark.parametrize("body", [b"\xff", b"a=1&a=2", b"%ff=1", b"x" * 70_000])
async def test_a_form_that_does_not_parse_is_a_page(app: App, visitor: Visitor, body: bytes):
    action = Page(await visitor.open(app.request())).action
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await visitor.http.post(action, content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")


async def test_the_forms_lead_where_the_client_said(app: App, account: Account, visitor: Visitor):
    consent = await visitor.sign_in(await visitor.open(app.request()), account.email)
    answer = await visitor.submit(consent, decision="allow")
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}?code=ghc_")
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_the_button_allows_what_the_page_showed(
    client: httpx.AsyncClient, apps: Apps, account: Account, visitor: Visitor, accounts: Accounts
):
    app = await apps.make(scopes=("users:read",))
    page = await visitor.sign_in(await visitor.open(app.request(scope=None)), account.email)
    assert in_words("users:read") in Page(page).text
    more = "UPDATE oauth_clients SET scopes = '{users:read,orders:write}' WHERE client_id = $1"
    await accounts.execute(more, app.client_id)
    assert (await visitor.submit(page, decision="allow")).status_code == 403
    again = await visitor.open(app.request(scope=None))
    assert in_words("orders:write") in Page(again).text
    code = told(await visitor.submit(again, decision="allow"))["code"]
    assert (await app.spend(client, code)).json()["scope"] == "users:read orders:write"
