"""Sessions of OAuth clients: refreshed as a login's are, bound to the client, listed, ended (TRAPS.md, Auth 3)."""

import asyncio
from typing import Any

import httpx
import jwt
import pytest
from redis.asyncio import Redis

from shared.identity import RevokedTokens
from shared.testing.waiting import eventually
from users.domain.audit import AuditAction
from users.domain.authorization import SECOND_STEP_LIFETIME
from users.store import browser_sessions, oauth_clients, oauth_codes, users

from .oauth_visiting import App, Apps, Visitor, told
from .people import PASSWORD, Account, Accounts

SESSIONS = "/api/v1/users/me/sessions"
ME = "/api/v1/users/me"


async def let_in(client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor) -> dict[str, Any]:
    answer = await app.spend(client, await visitor.let_in(app, account.email))
    assert answer.status_code == 200, answer.text
    return answer.json()


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def claims(tokens: dict[str, Any]) -> dict[str, Any]:
    return jwt.decode(tokens["access_token"], options={"verify_signature": False})


async def test_a_refresh_token_used_twice_ends_the_clients_session(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor, accounts: Accounts
):
    first = await let_in(client, app, account, visitor)
    second = (await app.refresh(client, first["refresh_token"])).json()
    reused = await app.refresh(client, first["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert (await app.refresh(client, second["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await client.get(ME, headers=bearer(second))).status_code == 401
    # The person's own login is another session.
    assert (await client.get(ME, headers=account.headers)).status_code == 200
    recorded = "SELECT address FROM audit_events WHERE subject_id = $1 AND action = $2 LIMIT 1"
    assert await accounts.value(recorded, account.id, AuditAction.REFRESH_TOKEN_REUSED) == "127.0.0.1"


async def test_of_refreshes_at_once_one_wins(client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor):
    tokens = await let_in(client, app, account, visitor)
    answers = await asyncio.gather(*(app.refresh(client, tokens["refresh_token"]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_a_refresh_token_is_its_clients_alone(
    client: httpx.AsyncClient, app: App, apps: Apps, account: Account, visitor: Visitor
):
    tokens = await let_in(client, app, account, visitor)
    other = await apps.make(public=True)
    assert (await other.refresh(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    ours = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert ours.status_code == 401
    assert (await other.refresh(client, account.tokens["refresh_token"])).json()["error"] == "invalid_grant"
    # None of them was a use.
    assert (await app.refresh(client, tokens["refresh_token"])).status_code == 200
    ours = await client.post("/api/v1/auth/refresh", json={"refresh_token": account.tokens["refresh_token"]})
    assert ours.status_code == 200


async def test_scopes_only_shrink_and_come_back(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor
):
    tokens = await let_in(client, app, account, visitor)
    less = (await app.refresh(client, tokens["refresh_token"], scope="users:read")).json()
    assert (less["scope"], claims(less)["scope"]) == ("users:read", "users:read")
    more = await app.refresh(client, less["refresh_token"], scope="users:read orders:read orders:write")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")
    # RFC 6749 section 6: the refresh token keeps what was granted at first; and the refusal was no use of it.
    again = (await app.refresh(client, less["refresh_token"])).json()
    assert again["scope"] == "users:read orders:read"


@pytest.mark.parametrize(
    "less", ["scopes = '{orders:read}'", "grants = '{authorization_code}'", "grants = '{client_credentials}'"]
)
async def test_a_client_that_is_weakened_loses_what_it_was_allowed(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor, *, accounts: Accounts, less: str
):
    tokens = await let_in(client, app, account, visitor)
    more = "UPDATE oauth_clients SET scopes = scopes || '{tokens:introspect}' WHERE client_id = $1"
    await accounts.execute(more, app.client_id)
    assert (await client.get(ME, headers=bearer(tokens))).status_code == 200
    await accounts.execute(f"UPDATE oauth_clients SET {less} WHERE client_id = $1", app.client_id)  # noqa: S608 - a constant
    assert (await client.get(ME, headers=bearer(tokens))).status_code == 401
    assert (await app.refresh(client, tokens["refresh_token"])).status_code == 400
    assert (await client.get(ME, headers=account.headers)).status_code == 200


async def test_a_client_that_loses_what_nobody_gave_it_goes_on(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor, accounts: Accounts
):
    tokens = await let_in(client, app, account, visitor)
    kept = "UPDATE oauth_clients SET scopes = '{users:read,orders:read}' WHERE client_id = $1"
    await accounts.execute(kept, app.client_id)
    assert (await app.refresh(client, tokens["refresh_token"])).status_code == 200


async def test_a_token_opens_what_its_scopes_say(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor
):
    tokens = await let_in(client, app, account, visitor)
    answer = await client.delete(SESSIONS, headers=bearer(tokens))
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_the_session_names_its_client_and_its_owner_ends_it(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor, redis: Redis
):
    tokens = await let_in(client, app, account, visitor)
    found = (await client.get(SESSIONS, headers=account.headers)).json()["items"]
    assert [item["client"] for item in found] == ["Weather", None, None]
    answer = await client.delete(f"{SESSIONS}/{found[0]['id']}", headers=account.headers)
    assert answer.status_code == 204
    assert (await app.refresh(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await client.get(ME, headers=bearer(tokens))).status_code == 401
    await eventually(lambda: ended(redis, tokens), True)
    # What was allowed is withdrawn with it: the next time the person is asked.
    assert "Allow access?" in (await visitor.open(app.request())).text


async def test_a_deleted_client_takes_its_sessions_along(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor, *, accounts: Accounts, redis: Redis
):
    tokens = await let_in(client, app, account, visitor)
    code = told(await visitor.open(app.request()))["code"]
    async with accounts.database.transaction() as connection:
        assert await oauth_clients.delete(connection, app.client_id)
    assert (await client.get(ME, headers=bearer(tokens))).status_code == 401
    await eventually(lambda: ended(redis, tokens), True)
    assert (await client.get(ME, headers=account.headers)).status_code == 200
    for table in ("oauth_codes", "oauth_consents"):
        assert await accounts.value(f"SELECT count(*) FROM {table} WHERE client_id = $1", app.client_id) == 0  # noqa: S608 - a constant
    assert (await app.spend(client, code)).json()["error"] == "invalid_client"


@pytest.mark.parametrize("way", ["disabled", "deleted"])
async def test_a_client_has_nothing_of_a_user_who_is_gone(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor, *, accounts: Accounts, way: str
):
    tokens = await let_in(client, app, account, visitor)
    if way == "disabled":
        await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    else:
        await client.delete(f"/api/v1/users/{account.id}", headers=account.headers)
    assert (await app.refresh(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await client.get(ME, headers=bearer(tokens))).status_code == 401
    assert told(await visitor.open(app.request(prompt="none")))["error"] == "login_required"


async def test_another_password_shows_clients_and_browsers_the_door(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor
):
    tokens = await let_in(client, app, account, visitor)
    body = {"current_password": PASSWORD, "new_password": "Another-Horse-8"}
    changed = await client.put("/api/v1/users/me/password", headers=account.headers, json=body)
    assert changed.status_code == 204
    assert (await app.refresh(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await client.get(ME, headers=bearer(tokens))).status_code == 401
    assert told(await visitor.open(app.request(prompt="none")))["error"] == "login_required"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/me/api-keys", {"name": "for ever"}),
        ("PUT", "/me/password", {"current_password": PASSWORD, "new_password": "Another-Horse-8"}),
        ("POST", "/me/second-factor", {"current_password": PASSWORD}),
        ("PATCH", "/{id}", {"email": "mallory@evil.example"}),
        ("PUT", "/{id}", {"name": "Ada", "email": "mallory@evil.example"}),
        ("DELETE", "/{id}", None),
    ],
)
async def test_a_client_cannot_take_the_account_over(
    client: httpx.AsyncClient,
    app: App,
    account: Account,
    visitor: Visitor,
    *,
    method: str,
    path: str,
    body: dict[str, str] | None,
):
    code = await visitor.let_in(app, account.email, scope="users:read users:write")
    tokens = (await app.spend(client, code)).json()
    url = f"/api/v1/users{path.format(id=account.id)}"
    answer = await client.request(method, url, headers=bearer(tokens), json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    body = {"name": "Ada King", "email": account.email.upper()}
    assert (await client.put(f"/api/v1/users/{account.id}", headers=bearer(tokens), json=body)).status_code == 200


async def test_what_nobody_can_use_any_more_is_forgotten(
    app: App, account: Account, visitor: Visitor, accounts: Accounts
):
    await visitor.let_in(app, account.email)
    await accounts.execute("UPDATE oauth_codes SET expires_at = now() - interval '25 h' WHERE user_id = $1", account.id)
    async with accounts.database.transaction() as connection:
        user = await users.find(connection, account.id)
        assert user is not None
        await browser_sessions.await_second_factor(connection, user, b"x")
    await accounts.execute("UPDATE oauth_pending_logins SET expires_at = now() - $1::interval", SECOND_STEP_LIFETIME)
    async with accounts.database.acquire() as connection:
        for trim in (oauth_codes.trim, browser_sessions.trim):
            while await trim(connection, 1000):
                pass
    for table in ("oauth_codes", "oauth_pending_logins"):
        assert await accounts.value(f"SELECT count(*) FROM {table} WHERE user_id = $1", account.id) == 0  # noqa: S608 - a constant


async def ended(redis: Redis, tokens: dict[str, Any]) -> bool:
    """Whether another service refuses the token."""
    revoked = RevokedTokens(redis)
    await revoked.resync()
    found = claims(tokens)
    return revoked.covers(int(found["sub"]), found["sid"], found["iat"])


async def test_a_client_ends_no_api_key(client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor):
    """The page where the person allows `users:write` says nothing of it."""
    keys = "/api/v1/users/me/api-keys"
    made = (await client.post(keys, headers=account.headers, json={"name": "script"})).json()
    code = await visitor.let_in(app, account.email, scope="users:read users:write")
    tokens = (await app.spend(client, code)).json()
    answer = await client.delete(f"{keys}/{made['id']}", headers=bearer(tokens))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await client.delete(f"{keys}/{made['id']}", headers=account.headers)).status_code == 204
