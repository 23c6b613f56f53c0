"""The login page asks who has a second factor for its code: no way in without it."""

import httpx
import pyotp
import pytest_asyncio

from .oauth_visiting import AUTHORIZE, App, Page, Visitor, told
from .people import PASSWORD, Account, Accounts

FACTOR = "/api/v1/users/me/second-factor"


@pytest_asyncio.fixture
async def recovery_codes(client: httpx.AsyncClient, account: Account) -> list[str]:
    """Of the account, which has a second factor now."""
    begun = await client.post(FACTOR, headers=account.headers, json={"current_password": PASSWORD})
    code = pyotp.TOTP(begun.json()["secret"]).now()
    confirmed = await client.post(f"{FACTOR}/confirm", headers=account.headers, json={"code": code})
    return confirmed.json()["recovery_codes"]


async def test_the_code_is_asked_for_and_lets_in(
    app: App, account: Account, visitor: Visitor, recovery_codes: list[str]
):
    page = await visitor.sign_in(await visitor.open(app.request()), account.email)
    assert "Confirm that it is you" in page.text
    assert told(await visitor.open(app.request(prompt="none")))["error"] == "login_required"
    wrong = await visitor.submit(page, code="000000-wrong")
    assert wrong.status_code == 401
    assert 'role="alert"' in wrong.text
    consent = await visitor.submit(wrong, code=recovery_codes[0])
    assert "Allow access?" in consent.text
    assert "code" in told(await visitor.submit(consent, decision="allow"))


async def test_the_password_alone_opens_no_form(
    app: App, account: Account, visitor: Visitor, recovery_codes: list[str]
):
    assert recovery_codes
    page = await visitor.sign_in(await visitor.open(app.request()), account.email)
    consent = Page(page).action.replace("/second-factor?", "/consent?")
    answer = await visitor.http.post(consent, data={**Page(page).fields, "decision": "allow"})
    assert answer.headers["location"].startswith(AUTHORIZE)
    assert "Confirm that it is you" in (await visitor.open(app.request())).text


async def test_another_browser_cannot_give_the_code(
    app: App, account: Account, visitor: Visitor, other_visitor: Visitor, recovery_codes: list[str]
):
    page = await visitor.sign_in(await visitor.open(app.request()), account.email)
    await other_visitor.open(app.request())
    typed = {**Page(page).fields, "code": recovery_codes[0]}
    assert (await other_visitor.http.post(Page(page).action, data=typed)).status_code == 403


async def test_the_time_for_the_code_is_short_and_a_new_password_ends_it(
    app: App, account: Account, visitor: Visitor, accounts: Accounts, recovery_codes: list[str]
):
    for change in (
        "UPDATE oauth_pending_logins SET expires_at = now() WHERE user_id = $1",
        "UPDATE users SET password_changed_at = clock_timestamp() WHERE id = $1",
    ):
        page = await visitor.sign_in(await visitor.open(app.request()), account.email)
        await accounts.execute(change, account.id)
        assert "Sign in" in Page(await visitor.submit(page, code=recovery_codes[0])).text


async def test_another_account_can_be_used_instead(
    app: App, account: Account, stranger: Account, visitor: Visitor, recovery_codes: list[str]
):
    assert recovery_codes
    page = await visitor.sign_in(await visitor.open(app.request()), account.email)
    assert "prompt=login" in page.text
    consent = await visitor.sign_in(await visitor.open(app.request(prompt="login")), stranger.email)
    assert stranger.email in consent.text
