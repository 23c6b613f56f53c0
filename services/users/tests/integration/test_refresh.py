"""POST /auth/refresh and /auth/logout (TRAPS.md, Auth 3)."""

import asyncio

import httpx
import jwt
import pytest

from shared.testing.waiting import PATIENCE_SECONDS
from users.domain.credentials import digest

from .people import Account, Accounts

_WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE OF%' AND usename = current_user
"""


async def _refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/v1/auth/refresh", json={"refresh_token": token})


async def test_a_refresh_rotates(client: httpx.AsyncClient, account: Account):
    answer = await _refresh(client, account.tokens["refresh_token"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert tokens["refresh_token"] != account.tokens["refresh_token"]
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.get("/api/v1/users/me", headers=headers)).json()["id"] == account.id
    assert (await _refresh(client, tokens["refresh_token"])).status_code == 200


async def test_a_token_used_twice_ends_the_family(client: httpx.AsyncClient, account: Account):
    first = account.tokens["refresh_token"]
    second = (await _refresh(client, first)).json()
    third = (await _refresh(client, second["refresh_token"])).json()
    reused = await _refresh(client, first)
    assert (reused.status_code, reused.json()["code"]) == (401, "invalid_refresh_token")
    for tokens in (second, third):
        assert (await _refresh(client, tokens["refresh_token"])).status_code == 401
    headers = {"Authorization": f"Bearer {third['access_token']}"}
    assert (await client.get("/api/v1/users/me", headers=headers)).json()["code"] == "invalid_token"


async def test_reuse_ends_that_family_only(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    other = await accounts.log_in(account.email)
    for _ in range(2):
        await _refresh(client, account.tokens["refresh_token"])
    assert (await _refresh(client, other["refresh_token"])).status_code == 200


async def test_of_two_at_once_one_wins(client: httpx.AsyncClient, accounts: Accounts):
    for _ in range(5):
        account = await accounts.make()
        answers = await asyncio.gather(*(_refresh(client, account.tokens["refresh_token"]) for _ in range(2)))
        assert sorted(answer.status_code for answer in answers) == [200, 401]


async def test_of_requests_that_overlap_one_wins_and_the_family_ends(
    client: httpx.AsyncClient, account: Account, accounts: Accounts
):
    token = account.tokens["refresh_token"]
    session = await accounts.value("SELECT session_id FROM refresh_tokens WHERE digest = $1", digest(token))
    # While the session's row is held, both requests have begun and neither has read the token.
    async with accounts.database.transaction() as holder:
        await holder.execute("SELECT FROM sessions WHERE id = $1 FOR UPDATE", session)
        racing = [asyncio.create_task(_refresh(client, token)) for _ in range(2)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            # Outside of a transaction: inside, pg_stat_activity is read once and kept.
            while await accounts.value(_WAITING) < 2:
                await asyncio.sleep(0.02)
    answers = {answer.status_code: answer for answer in await asyncio.gather(*racing)}
    assert set(answers) == {200, 401}
    assert answers[401].json()["code"] == "invalid_refresh_token"
    assert (await _refresh(client, answers[200].json()["refresh_token"])).status_code == 401


@pytest.mark.parametrize("token", ["x", "ghr_" + "a" * 43, "é" * 10])
async def test_what_is_no_refresh_token(client: httpx.AsyncClient, token: str):
    answer = await _refresh(client, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")
    assert "www-authenticate" in answer.headers


@pytest.mark.parametrize("body", [{}, {"refresh_token": ""}, {"refresh_token": None}, {"refresh_token": "x" * 513}])
async def test_a_body_without_one(client: httpx.AsyncClient, body: dict[str, object]):
    assert (await client.post("/api/v1/auth/refresh", json=body)).status_code == 422


async def test_one_kind_of_token_is_not_another(client: httpx.AsyncClient, account: Account):
    # TRAPS.md, Auth 1
    assert (await _refresh(client, account.tokens["access_token"][:512])).status_code == 401
    headers = {"Authorization": f"Bearer {account.tokens['refresh_token']}"}
    assert (await client.get("/api/v1/users/me", headers=headers)).json()["code"] == "invalid_token"


async def test_the_lifetime_is_absolute(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    ends = "SELECT expires_at FROM sessions WHERE user_id = $1"
    before = await accounts.value(ends, account.id)
    tokens = (await _refresh(client, account.tokens["refresh_token"])).json()
    assert await accounts.value(ends, account.id) == before
    await accounts.execute("UPDATE sessions SET expires_at = now() WHERE user_id = $1", account.id)
    assert (await _refresh(client, tokens["refresh_token"])).status_code == 401


async def test_a_disabled_user_has_no_sessions(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    assert (await _refresh(client, account.tokens["refresh_token"])).status_code == 401
    assert (await client.get("/api/v1/users/me", headers=account.headers)).status_code == 401


async def test_a_refreshed_token_has_the_role_of_now(client: httpx.AsyncClient, admin: Account, accounts: Accounts):
    await accounts.execute("UPDATE users SET role = 'user' WHERE id = $1", admin.id)
    token = (await _refresh(client, admin.tokens["refresh_token"])).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["role"] == "user"
    assert "admin" not in claims["scope"].split()


async def test_the_token_is_stored_hashed(account: Account, accounts: Accounts):
    # TRAPS.md, Auth 6
    token = account.tokens["refresh_token"]
    assert await accounts.value("SELECT count(*) FROM refresh_tokens WHERE digest = $1", digest(token)) == 1
    dump = "SELECT string_agg(refresh_tokens::text, '') || string_agg(sessions::text, '') FROM refresh_tokens, sessions"
    assert token not in await accounts.value(dump)


async def test_logout_by_refresh_token(client: httpx.AsyncClient, account: Account):
    body = {"refresh_token": account.tokens["refresh_token"]}
    for _ in range(2):
        answer = await client.post("/api/v1/auth/logout", json=body)
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await _refresh(client, account.tokens["refresh_token"])).status_code == 401
    assert (await client.get("/api/v1/users/me", headers=account.headers)).status_code == 401


async def test_logout_by_access_token(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    other = await accounts.log_in(account.email)
    assert (await client.post("/api/v1/auth/logout", headers=account.headers)).status_code == 204
    assert (await _refresh(client, account.tokens["refresh_token"])).status_code == 401
    assert (await _refresh(client, other["refresh_token"])).status_code == 200


async def test_logout_with_an_expired_access_token(client: httpx.AsyncClient, account: Account):
    headers = {"Authorization": "Bearer expired"}
    body = {"refresh_token": account.tokens["refresh_token"]}
    assert (await client.post("/api/v1/auth/logout", headers=headers, json=body)).status_code == 204
    assert (await _refresh(client, account.tokens["refresh_token"])).status_code == 401


async def test_logout_of_nobody(client: httpx.AsyncClient):
    answer = await client.post("/api/v1/auth/logout")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    answer = await client.post("/api/v1/auth/logout", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_a_dead_session_goes_with_the_next_login(account: Account, accounts: Accounts):
    await accounts.execute("UPDATE sessions SET expires_at = now() - interval '1 s' WHERE user_id = $1", account.id)
    await accounts.log_in(account.email)
    assert await accounts.value("SELECT count(*) FROM sessions WHERE user_id = $1", account.id) == 1
