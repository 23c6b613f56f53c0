"""Access tokens that are still out when their session or their user ends: the other services hear of it (auth 3)."""

import asyncio
import time

import httpx
import jwt
import pytest
from redis.asyncio import Redis

from shared.identity import RevokedTokens
from shared.identity.revocations import REVOKED_STREAM
from shared.testing.waiting import PATIENCE_SECONDS, eventually
from users import revoking
from users.store import revocations

from .people import GATEWAY, Account, Accounts


def claims(account: Account) -> tuple[int, str | None, int]:
    found = jwt.decode(account.tokens["access_token"], options={"verify_signature": False})
    return int(found["sub"]), found.get("sid"), found["iat"]


def generation(account: Account) -> int:
    return jwt.decode(account.tokens["access_token"], options={"verify_signature": False})["generation"]


async def ended(redis: Redis, account: Account) -> bool:
    """Whether another service, that reads the stream from its beginning, refuses the account's token."""
    revoked = RevokedTokens(redis)
    await revoked.resync()
    return revoked.covers(*claims(account), generation=generation(account))


async def test_a_deleted_users_token_ends_everywhere(client: httpx.AsyncClient, account: Account, redis: Redis):
    assert not await ended(redis, account)
    assert (await client.delete(f"/api/v1/users/{account.id}", headers=account.headers)).status_code == 204
    await eventually(lambda: ended(redis, account), True)


async def test_a_disabled_users_token_ends_everywhere(accounts: Accounts, account: Account, redis: Redis):
    await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    await eventually(lambda: ended(redis, account), True)


async def test_a_disabled_user_who_is_let_in_again_at_once_gets_tokens_that_hold(
    accounts: Accounts, account: Account, redis: Redis
):
    await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    await accounts.execute("UPDATE users SET disabled_at = NULL WHERE id = $1", account.id)
    again = Account(account.id, account.email, await accounts.log_in(account.email))
    await eventually(lambda: ended(redis, account))
    assert not await ended(redis, again)


@pytest.mark.parametrize("change", ["role = 'user'", "tier = 'pro'"])
async def test_auth_3_a_weakened_users_tokens_end_and_those_given_at_once_after_it_hold(
    client: httpx.AsyncClient, accounts: Accounts, admin: Account, redis: Redis, change: str
):
    strong = Account(admin.id, admin.email, await accounts.log_in(admin.email))
    key = await client.post("/api/v1/users/me/api-keys", json={"name": "k"}, headers=strong.headers)
    await accounts.execute(f"UPDATE users SET {change} WHERE id = $1", admin.id)  # noqa: S608 - ours
    # In the same second, by the refresh token of before: sessions go on.
    answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": strong.tokens["refresh_token"]})
    weak = Account(admin.id, admin.email, answer.json())
    exchanged = await client.post("/internal/api-keys/exchange", json={"api_key": key.json()["key"]}, auth=GATEWAY)
    by_key = Account(admin.id, admin.email, exchanged.json())
    await eventually(lambda: ended(redis, strong))
    assert not await ended(redis, weak)
    assert not await ended(redis, by_key)
    said = jwt.decode(weak.tokens["access_token"], options={"verify_signature": False})
    assert f"{said['role']} {said['tier']}" == ("user free" if "role" in change else "admin pro")
    assert (await client.get("/api/v1/users/me", headers=weak.headers)).status_code == 200


@pytest.mark.parametrize("change", ["role = 'admin'", "name = 'Another'", "tier = tier, role = role"])
async def test_what_makes_nobody_weaker_ends_no_token(accounts: Accounts, account: Account, change: str):
    await accounts.execute(f"UPDATE users SET {change} WHERE id = $1", account.id)  # noqa: S608 - ours
    assert await accounts.value("SELECT count(*) FROM revocations WHERE user_id = $1", account.id) == 0
    await accounts.execute("UPDATE users SET role = 'user' WHERE id = $1", account.id)


@pytest.mark.parametrize("way", ["logout", "everywhere", "spent twice"])
async def test_an_ended_sessions_token_ends_everywhere_and_the_next_login_is_good(
    client: httpx.AsyncClient, accounts: Accounts, account: Account, redis: Redis, way: str
):
    refresh = {"refresh_token": account.tokens["refresh_token"]}
    if way == "logout":
        await client.post("/api/v1/auth/logout", json=refresh)
    elif way == "everywhere":
        await client.delete("/api/v1/users/me/sessions", headers=account.headers)
    else:
        for _ in range(2):
            await client.post("/api/v1/auth/refresh", json=refresh)
    again = Account(account.id, account.email, await accounts.log_in(account.email))
    await eventually(lambda: ended(redis, account), True)
    assert not await ended(redis, again)


async def test_a_redis_that_lost_all_is_told_again(client: httpx.AsyncClient, account: Account, redis: Redis):
    await client.delete("/api/v1/users/me/sessions", headers=account.headers)
    await eventually(lambda: ended(redis, account), True)
    assert await redis.delete(REVOKED_STREAM, "tokens:revoked:made") == 2
    await eventually(lambda: ended(redis, account), True)


async def test_a_redis_that_came_back_with_less_is_told_again(
    accounts: Accounts, account: Account, redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    # It is told before that is committed, and while it is not others pass its row over.
    marked = "SELECT published_to IS NOT NULL FROM revocations WHERE user_id = $1"
    await eventually(lambda: accounts.value(marked, account.id))
    assert await redis.delete(REVOKED_STREAM) == 1

    async def restarted(*_: object) -> dict[str, str]:
        return {"run_id": f"another-{time.time()}"}

    monkeypatch.setattr(redis, "info", restarted)
    assert await revoking.publish(accounts.database, redis) >= 1
    assert await ended(redis, account)


async def test_what_no_living_token_is_of_is_forgotten(accounts: Accounts, account: Account):
    await accounts.execute("INSERT INTO revocations (user_id, expires_at) VALUES ($1, now())", account.id)
    async with accounts.database.acquire() as connection:
        while await revocations.trim(connection, 1000):
            pass
    assert await accounts.value("SELECT count(*) FROM revocations WHERE user_id = $1", account.id) == 0


async def test_telling_ends_with_the_service_when_a_driver_drops_the_cancel(accounts: Accounts, redis: Redis):
    asked = asyncio.Event()

    class Drops(Redis):
        async def set(self, *_: object, **__: object) -> None:
            asked.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                raise TimeoutError from None

    dropping = Drops(connection_pool=redis.connection_pool)
    async with asyncio.timeout(PATIENCE_SECONDS), revoking.publishing(accounts.database, dropping):
        await asked.wait()
