"""A key that leaked is withdrawn by one command: its tokens end everywhere, people go on with their refresh tokens."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest_asyncio
from redis.asyncio import Redis

from shared.identity import InvalidToken, RemoteKeys, RevokedTokens, TokenVerifier
from shared.identity.revocations import LOOK_SECONDS, REVOKED_STREAM
from shared.testing.plugin import RoleMaker
from shared.testing.serving import running
from shared.testing.waiting import PATIENCE_SECONDS, eventually
from users import key_ring, revoking
from users.main import create_application

from .people import Account, Accounts
from .rings import OwnRing, own_ring

JWKS = "/.well-known/jwks.json"


@pytest_asyncio.fixture(scope="module")
async def ring(environment: dict[str, str], database_role: RoleMaker) -> AsyncIterator[OwnRing]:
    async with own_ring(environment, database_role, "users_withdrawn") as ring:
        # Redis is that of all tests: a session or a user of theirs that ended must be none of these.
        for table in ("users", "sessions"):
            await ring.value("SELECT setval(pg_get_serial_sequence($1, 'id'), 1000000)", table)
        yield ring


@pytest_asyncio.fixture(scope="module")
async def api(ring: OwnRing) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_application(ring.settings)) as api:
        yield api


async def settled(ring: OwnRing, api: httpx.AsyncClient) -> list[str]:
    """The ids of the published keys, once the API has read that all others are withdrawn."""

    async def published() -> list[str]:
        return [key["kid"] for key in (await api.get(JWKS)).json()["keys"]]

    return await eventually(published, [await ring.value("SELECT key_id FROM signing_keys WHERE withdrawn_at IS NULL")])


async def withdraw(ring: OwnRing, key_id: str) -> str:
    command = ring.command("withdraw", key_id)
    out, err = await asyncio.to_thread(command.communicate, timeout=PATIENCE_SECONDS)
    assert command.returncode == 0, err
    return out


def kid(token: str) -> str:
    return jwt.get_unverified_header(token)["kid"]


async def refused(verifier: TokenVerifier, token: str) -> bool:
    try:
        await verifier.verify(token)
    except InvalidToken:
        return True
    return False


def test_the_words_of_an_end_take_less_than_five_seconds():
    assert revoking.INTERVAL_SECONDS + LOOK_SECONDS + key_ring.INTERVAL_SECONDS < 5


async def test_auth_7_withdrawing_the_active_key_ends_its_tokens_and_no_session(
    ring: OwnRing, api: httpx.AsyncClient, redis: Redis
):
    account: Account = await Accounts(api, ring.database).make()
    token = account.tokens["access_token"]
    # Another service: it fetched the keys before, and will not again for five minutes.
    ended = RevokedTokens(redis)
    keys: Any = RemoteKeys(JWKS, api)  # pyright: ignore[reportArgumentType]
    service = TokenVerifier(ring.settings.tokens, keys, ended)
    await service.verify(token)
    words = await withdraw(ring, kid(token))
    assert "signs now" in words

    async def refused_there() -> bool:
        await ended.read()
        return await refused(service, token)

    await eventually(refused_there)
    assert await keys.find(kid(token)) is not None, "by word, not because its set of keys was fetched anew"

    async def refused_here() -> int:
        return (await api.get("/api/v1/users/me", headers=account.headers)).status_code

    await eventually(refused_here, 401)
    published = await settled(ring, api)
    again = await api.post("/api/v1/auth/refresh", json={"refresh_token": account.tokens["refresh_token"]})
    assert again.status_code == 200
    fresh = again.json()["access_token"]
    assert kid(fresh) in published
    me = await api.get("/api/v1/users/me", headers={"Authorization": f"Bearer {fresh}"})
    assert me.status_code == 200
    assert await ring.value("SELECT count(*) FROM audit_events WHERE action = 'key.withdrawn'") == 1


async def test_a_redis_that_lost_all_is_told_of_withdrawn_keys_again(
    ring: OwnRing, api: httpx.AsyncClient, redis: Redis
):
    token = (await Accounts(api, ring.database).make()).tokens["access_token"]
    await withdraw(ring, kid(token))

    async def known() -> bool:
        ended = RevokedTokens(redis)
        await ended.resync()
        return ended.covers(0, None, 0, key_id=kid(token))

    await eventually(known)
    await redis.delete(REVOKED_STREAM, "tokens:revoked:made")
    await eventually(known)


async def test_the_key_set_is_cached_by_its_tag_until_it_changes(ring: OwnRing, api: httpx.AsyncClient):
    await settled(ring, api)
    before = await api.get(JWKS)
    assert before.headers["cache-control"] == "public, max-age=300"
    tag = {"If-None-Match": before.headers["etag"]}
    assert (await api.get(JWKS, headers=tag)).status_code == 304
    command = ring.command("rotate")
    assert await asyncio.to_thread(command.wait, PATIENCE_SECONDS) == 0

    async def changed() -> int:
        return (await api.get(JWKS, headers=tag)).status_code

    await eventually(changed, 200)
    assert len((await api.get(JWKS)).json()["keys"]) == len(before.json()["keys"]) + 1
    told = (await api.get("/metrics")).text
    assert "users_signing_keys_unreadable 0.0" in told
    assert "users_signing_key_next_timestamp_seconds" in told
