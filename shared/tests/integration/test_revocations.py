"""Tokens that end before their time are refused, from what the process keeps in memory (TRAPS.md, auth 3 and 7)."""

import time
from collections.abc import AsyncIterator
from itertools import count

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.identity import InvalidToken, Revocation, RevokedTokens, TokenVerifier, add_revocations
from shared.identity.revocations import REVOKED_STREAM
from shared.settings import TokenSettings
from shared.testing.tokens import AUDIENCE, ISSUER, Signer
from shared.testing.waiting import eventually

_users = count(70_001)
SETTINGS = TokenSettings.model_validate({"issuer": ISSUER, "audience": AUDIENCE})


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

    await eventually(status, 401)
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

    await eventually(status, 401)
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


async def test_auth_7_a_withdrawn_keys_tokens_are_refused_while_its_key_is_still_known(
    redis: Redis,
):
    # The list of this process, and a verifier that holds the key as a cached set of keys would.
    leaked, tokens = Signer(), RevokedTokens(redis)
    verifier = TokenVerifier(SETTINGS, leaked, tokens)
    token, forged = leaked.token(next(_users)), leaked.token(next(_users), role="admin", exp=2**33)
    assert (await verifier.verify(token)).role == "user"
    await add_revocations(redis, [Revocation.of_key("test-key", until=int(time.time()) + 900)], kept_seconds=960)
    try:
        await tokens.read()
        for refused in (token, forged):
            with pytest.raises(InvalidToken, match="before its time"):
                await verifier.verify(refused)
    finally:
        await redis.delete(REVOKED_STREAM)


async def test_auth_3_a_token_given_in_the_second_of_the_change_holds_when_it_is_of_the_new_generation(redis: Redis):
    now, user_id, tokens = int(time.time()), next(_users), RevokedTokens(redis)
    await add_revocations(redis, [Revocation(user_id, None, now + 5, now + 960, generation=2)], kept_seconds=960)
    await tokens.read()
    assert [tokens.covers(user_id, None, now, generation=number) for number in (0, 1, 2, 3)] == [
        True,
        True,
        False,
        False,
    ]
    assert tokens.covers(user_id, None, now), "of no generation: its time decides"
    assert not tokens.covers(user_id, None, now + 6)
    # A word of an older release, or of a user who was deleted: all generations, by their time.
    await add_revocations(redis, [Revocation(user_id, None, now + 5, now + 960)], kept_seconds=960)
    await tokens.read()
    assert tokens.covers(user_id, None, now, generation=3)


async def test_a_word_of_a_kind_that_is_not_known_yet_keeps_none_behind_it_from_being_read(redis: Redis):
    tokens, user_id = RevokedTokens(redis), next(_users)
    await redis.xadd(REVOKED_STREAM, {"client": "robot", "until": str(int(time.time()) + 900)})
    await revoke(redis, user_id)
    await tokens.read()
    assert tokens.covers(user_id, None, 0)
