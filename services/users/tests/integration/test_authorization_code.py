"""The whole way of a client to a person's tokens, and every way around it (TRAPS.md, Auth 2)."""

import asyncio

import httpx
import jwt
import pytest

from users.domain.credentials import digest
from users.domain.oauth_clients import GrantType

from .oauth_visiting import App, Apps, Visitor, told
from .people import Account, Accounts


def claims(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return jwt.decode(answer.json()["access_token"], options={"verify_signature": False})


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.parametrize("public", [False, True])
async def test_auth_2_the_whole_way_by_a_code_and_its_proof(
    client: httpx.AsyncClient, account: Account, apps: Apps, visitor: Visitor, *, public: bool
):
    app = await apps.make(public=public)
    login = await visitor.open(app.request())
    assert login.status_code == 200
    consent = await visitor.sign_in(login, account.email)
    assert "Weather" in consent.text
    answer = told(await visitor.submit(consent, decision="allow"))
    assert set(answer) == {"code", "state", "iss"}
    assert answer["state"] == "a state&with=marks"
    tokens = await app.spend(client, answer["code"])
    assert tokens.headers["cache-control"] == "no-store"
    assert tokens.json()["scope"] == "users:read orders:read"
    found = claims(tokens)
    assert (found["sub"], found["client_id"], found["scope"]) == (
        str(account.id),
        app.client_id,
        "users:read orders:read",
    )
    assert (found["role"], answer["iss"]) == ("user", found["iss"])
    assert (await client.get("/api/v1/users/me", headers=bearer(tokens))).json()["id"] == account.id
    again = await app.refresh(client, tokens.json()["refresh_token"])
    assert claims(again)["sid"] == found["sid"]


async def test_auth_2_there_is_no_password_grant(client: httpx.AsyncClient, account: Account, app: App):
    answer = await app.ask(client, {"grant_type": "password", "username": account.email, "password": "x"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": "x" * 42},
        {"code_challenge": "x" * 44},
        {"code_challenge": "x" * 42 + "="},
    ],
)
async def test_auth_2_no_request_without_s256(app: App, visitor: Visitor, changes: dict[str, str | None]):
    answer = told(await visitor.open(app.request(**changes)))
    assert answer["error"] == "invalid_request"
    assert answer["state"] == "a state&with=marks"
    assert answer["iss"].startswith("http")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "y" * 43},
        {"code_verifier": "short"},
        {"code_verifier": "é" * 43},
        {"redirect_uri": "https://app.example.com/back/"},
        {"redirect_uri": "https://app.example.com/other"},
    ],
)
async def test_auth_2_what_comes_with_the_code_must_be_right_and_the_code_comes_once(
    client: httpx.AsyncClient, account: Account, app: App, visitor: Visitor, changes: dict[str, str | None]
):
    code = await visitor.let_in(app, account.email)
    wrong = await app.spend(client, code, **changes)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert (await app.spend(client, code)).status_code == 400


@pytest.mark.parametrize("name", ["code", "code_verifier", "redirect_uri"])
async def test_auth_2_nothing_may_be_left_out(
    client: httpx.AsyncClient, account: Account, app: App, visitor: Visitor, name: str
):
    code = await visitor.let_in(app, account.email)
    answer = await app.spend(client, code, **{name: None})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_auth_2_a_code_used_twice_ends_what_it_began(
    client: httpx.AsyncClient, account: Account, app: App, visitor: Visitor, accounts: Accounts
):
    code = await visitor.let_in(app, account.email)
    first = await app.spend(client, code)
    assert (await client.get("/api/v1/users/me", headers=bearer(first))).status_code == 200
    second = await app.spend(client, code)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert (await client.get("/api/v1/users/me", headers=bearer(first))).status_code == 401
    assert (await app.refresh(client, first.json()["refresh_token"])).json()["error"] == "invalid_grant"
    await app.spend(client, code)
    reused = "SELECT count(*) FROM audit_events WHERE subject_id = $1 AND action = 'oauth.code_reused'"
    assert await accounts.value(reused, account.id) == 1


async def test_auth_2_of_two_uses_at_once_one_wins_and_it_ends(
    client: httpx.AsyncClient, account: Account, app: App, visitor: Visitor
):
    code = await visitor.let_in(app, account.email)
    answers = await asyncio.gather(*(app.spend(client, code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    won = next(answer for answer in answers if answer.status_code == 200)
    assert (await client.get("/api/v1/users/me", headers=bearer(won))).status_code == 401


async def test_auth_2_a_code_is_its_clients_alone(
    client: httpx.AsyncClient, account: Account, app: App, apps: Apps, visitor: Visitor
):
    code = await visitor.let_in(app, account.email)
    other = await apps.make(public=True)
    stolen = await other.spend(client, code, code_verifier=app.verifier)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    # And the thief could not spend it for its owner.
    assert (await app.spend(client, code)).status_code == 200


async def test_auth_2_a_code_lives_for_a_minute(
    client: httpx.AsyncClient, account: Account, app: App, visitor: Visitor, accounts: Accounts
):
    code = await visitor.let_in(app, account.email)
    left = "SELECT extract(epoch FROM expires_at - now())::float8 FROM oauth_codes WHERE digest = $1"
    assert await accounts.value(left, digest(code)) <= 60
    await accounts.execute("UPDATE oauth_codes SET expires_at = now() WHERE digest = $1", digest(code))
    assert (await app.spend(client, code)).json()["error"] == "invalid_grant"


async def test_the_code_is_stored_hashed(account: Account, app: App, visitor: Visitor, accounts: Accounts):
    # TRAPS.md, Auth 6
    code = await visitor.let_in(app, account.email)
    assert await accounts.value("SELECT count(*) FROM oauth_codes WHERE digest = $1", digest(code)) == 1
    assert code not in await accounts.value("SELECT string_agg(oauth_codes::text, '') FROM oauth_codes")


async def test_a_code_is_worth_nothing_after_a_logout_everywhere(
    client: httpx.AsyncClient, account: Account, app: App, visitor: Visitor
):
    code = await visitor.let_in(app, account.email)
    await client.delete("/api/v1/users/me/sessions", headers=account.headers)
    assert (await app.spend(client, code)).json()["error"] == "invalid_grant"


async def test_a_code_of_a_disabled_user_is_worth_nothing(
    client: httpx.AsyncClient, account: Account, app: App, visitor: Visitor, accounts: Accounts
):
    code = await visitor.let_in(app, account.email)
    await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    assert (await app.spend(client, code)).json()["error"] == "invalid_grant"


async def test_a_client_without_the_refresh_grant_gets_no_refresh_token(
    client: httpx.AsyncClient, account: Account, apps: Apps, visitor: Visitor
):
    app = await apps.make(grants=(GrantType.AUTHORIZATION_CODE,))
    answer = await app.spend(client, await visitor.let_in(app, account.email))
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()


async def test_a_client_of_an_admin_is_no_admin(client: httpx.AsyncClient, admin: Account, app: App, visitor: Visitor):
    found = claims(await app.spend(client, await visitor.let_in(app, admin.email, scope=None)))
    assert (found["role"], "admin" in found["scope"].split()) == ("user", False)
