"""Tokens that end before their time are refused, from what the process keeps in memory (TRAPS.md, auth 3 and 7)."""

import time
from collections.abc import AsyncIterator
from itertools import count

import httpx
import pytest_asyncio
from redis.asyncio import Redis

from shared.identity import Revocation, RevokedTokens, add_revocations
from shared.identity.revocations import REVOKED_STREAM
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

_users = count(70_001)


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = Redis.from_url(redis_url)
    yield redis
    await redis.aclose()


async def revoke(redis: Redis, user_id: int, session: str | None = None, *, lasts: int = 960) -> None:
    now = int(time.time())
    await add_revocations(redis, [Revocation(user_id, session, now, now + lasts)], kept_seconds=960)


async def test_auth_3_a_token_of_a_user_who_is_gone_is_refused_within_seconds(
    sample: httpx.AsyncClient, signer: Signer, redis: Redis
):
    user_id, other = next(_users), next(_users)
    headers = signer.headers(user_id)
    assert (await sample.get("/scoped", headers=headers)).status_code == 200
    await revoke(redis, user_id)

    async def status() -> int:
        return (await sample.get("/scoped", headers=headers)).status_code

    await eventually(status, 401, seconds=5)
    refused = await sample.get("/scoped", headers=headers)
    assert refused.json()["code"] == "invalid_token"
    assert (await sample.get("/scoped", headers=signer.headers(other))).status_code == 200
    later = signer.headers(user_id, iat=int(time.time()) + 2)
    assert (await sample.get("/scoped", headers=later)).status_code == 200, "issued after the end: a new one"


async def test_auth_3_a_session_that_ended_takes_its_own_tokens_only(
    sample: httpx.AsyncClient, signer: Signer, redis: Redis
):
    user_id = next(_users)
    ended, alive = signer.headers(user_id, sid="ended-1"), signer.headers(user_id, sid="alive-1")
    await revoke(redis, user_id, "ended-1")

    async def status() -> int:
        return (await sample.get("/scoped", headers=ended)).status_code

    await eventually(status, 401, seconds=5)
    assert (await sample.get("/scoped", headers=alive)).status_code == 200
    assert (await sample.get("/scoped", headers=signer.headers(user_id))).status_code == 200


async def test_what_is_known_stays_known_when_redis_is_emptied(redis: Redis):
    user_id, next_user = next(_users), next(_users)
    revoked = RevokedTokens(redis)
    await revoke(redis, user_id)
    await revoked.read()
    await redis.delete(REVOKED_STREAM)
    await revoked.resync()
    assert revoked.covers(user_id, None, 0)
    await revoke(redis, next_user)
    await revoked.read()
    assert revoked.covers(next_user, None, 0), "the new stream is read on"


async def test_auth_7_memory_is_bounded_and_what_expired_is_forgotten(redis: Redis):
    now = time.time()
    revoked = RevokedTokens(redis, clock=lambda: now, most_held=3)
    gone = next(_users)
    await redis.delete(REVOKED_STREAM)
    await revoke(redis, gone)
    for number in range(5):
        await revoke(redis, next(_users), f"s{number}", lasts=100 + number)
    await revoked.read()
    assert revoked.covers(gone, None, 0), "a user's end is not pushed out by logouts"
    assert [revoked.covers(0, f"s{number}", 0) for number in range(5)] == [False, False, False, True, True]
    now += 1000
    await revoked.resync()
    await redis.delete(REVOKED_STREAM)
    await revoked.resync()
    assert not revoked.covers(gone, None, 0)


async def test_an_entry_that_is_not_understood_stops_nothing(redis: Redis):
    revoked = RevokedTokens(redis)
    user_id = next(_users)
    await redis.xadd(REVOKED_STREAM, {"user": "seven", "until": "soon"})
    await redis.xadd(REVOKED_STREAM, {"planet": "9"})
    await revoke(redis, user_id)
    await revoked.read()
    assert revoked.covers(user_id, None, 0)


async def test_an_entry_that_is_no_text_keeps_none_behind_it_from_being_read(redis: Redis):
    user_id, now = next(_users), int(time.time())
    poison = await redis.xadd(REVOKED_STREAM, {b"session": b"\xff\xfe", b"until": str(now + 960)})
    try:
        await revoke(redis, user_id)
        tokens = RevokedTokens(redis)
        await tokens.read()
        assert tokens.covers(user_id, None, now)
    finally:
        await redis.xdel(REVOKED_STREAM, poison)
