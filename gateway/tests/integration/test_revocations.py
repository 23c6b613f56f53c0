"""A token that its issuer ended early is refused at once, whatever its exp says (TRAPS, auth 3 and 7)."""

import asyncio
import time

from gateway_testing.cacheable import eventually
from gateway_testing.process import GatewayProcess
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import ask


async def status(gateway: GatewayProcess, token: str) -> int:
    return (await ask(gateway.port, "GET", "/api/v1/private", {"authorization": f"Bearer {token}"})).status


def end(gateway: GatewayProcess, *fields: str) -> None:
    gateway.valkey.command("XADD", "tokens:revoked", "*", *fields, "until", str(int(time.time()) + 900))


async def refused(gateway: GatewayProcess, token: str) -> None:
    async def is_refused() -> bool:
        return await status(gateway, token) == 401

    await eventually(is_refused)


async def test_auth_7_a_users_tokens_end_and_later_ones_hold(
    own_gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    now = int(time.time())
    old, other = issuer.token("31", iat=now - 60), issuer.token("32", iat=now - 60)
    never_seen, new = issuer.token("31", iat=now - 30), issuer.token("31", iat=now)
    assert [await status(own_gateway, token) for token in (old, other)] == [200, 200]
    end(own_gateway, "user", "31", "not_before", str(now - 20))
    await refused(own_gateway, old)
    assert [await status(own_gateway, token) for token in (never_seen, new, other)] == [401, 200, 200]
    answer = await ask(own_gateway.port, "GET", "/api/v1/private", {"authorization": f"Bearer {old}"})
    assert 'error="invalid_token"' in answer["www-authenticate"]
    assert upstream.seen[-1].get("authorization") == f"Bearer {other}"


async def test_a_session_ends_and_the_users_other_does_not(own_gateway: GatewayProcess, issuer: Issuer):
    ended, goes_on = issuer.token("33", sid="s-1"), issuer.token("33", sid="s-2")
    assert [await status(own_gateway, token) for token in (ended, goes_on)] == [200, 200]
    end(own_gateway, "session", "s-1")
    await refused(own_gateway, ended)
    assert await status(own_gateway, goes_on) == 200


async def test_an_entry_that_cannot_be_read_hides_none_behind_it(own_gateway: GatewayProcess, issuer: Issuer):
    token = issuer.token("34")
    end(own_gateway, "user", "34", "not_before", "soon")
    own_gateway.valkey.command("XADD", "tokens:revoked", "*", "something", "else")
    end(own_gateway, "user", "34", "not_before", str(int(time.time())))
    await refused(own_gateway, token)


async def test_what_ended_stays_ended_while_redis_is_away_and_what_ended_meanwhile_is_read(
    own_gateway: GatewayProcess, issuer: Issuer
):
    first, second = issuer.token("35"), issuer.token("36")
    end(own_gateway, "user", "35", "not_before", str(int(time.time())))
    await refused(own_gateway, first)
    assert await own_gateway.metric("gateway_revoked_tokens") >= 1
    await asyncio.to_thread(own_gateway.valkey.stop)

    async def down() -> bool:
        return await own_gateway.metric("gateway_revocations_up") == 0

    await eventually(down)
    assert await status(own_gateway, first) == 401
    # It comes back with nothing but what the issuer tells it anew.
    await asyncio.to_thread(own_gateway.valkey.start)
    end(own_gateway, "user", "36", "not_before", str(int(time.time())))
    await refused(own_gateway, second)
    assert await status(own_gateway, first) == 401


async def test_auth_7_a_withdrawn_keys_tokens_end_before_its_set_of_keys_is_fetched_anew(
    own_gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    issuer.add("leaked")
    try:
        seen, forged = issuer.token("37", kid="leaked"), issuer.token("38", kid="leaked", role="admin", exp=2**33)
        other = issuer.token("37")

        async def is_known() -> bool:
            return await status(own_gateway, seen) == 200

        await eventually(is_known)
        assert await status(own_gateway, other) == 200
        fetches = upstream.key_fetches
        end(own_gateway, "key", "leaked")
        await refused(own_gateway, seen)
        assert [await status(own_gateway, token) for token in (forged, other)] == [401, 200]
        assert upstream.key_fetches == fetches
    finally:
        issuer.published.remove("leaked")


async def test_a_token_given_in_the_second_of_the_change_holds_when_it_is_of_the_new_generation(
    own_gateway: GatewayProcess, issuer: Issuer
):
    now = int(time.time())
    before = issuer.token("39", iat=now, generation=0, role="admin")
    after = issuer.token("39", iat=now, generation=1)
    assert [await status(own_gateway, token) for token in (before, after)] == [200, 200]
    end(own_gateway, "user", "39", "not_before", str(now + 5), "generation", "1")
    await refused(own_gateway, before)
    assert await status(own_gateway, after) == 200
    assert await status(own_gateway, issuer.token("39", iat=now)) == 401, "of no generation: its time decides"


async def test_an_api_key_is_never_refused_because_its_owner_got_another_tier(
    own_gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    key = "gh_1_" + "tier".ljust(43, "x")
    free, pro = issuer.token("40", generation=0), issuer.token("40", generation=1, tier="pro")
    upstream.api_keys[key] = free

    async def forwarded() -> str | None:
        answer = await ask(own_gateway.port, "GET", "/api/v1/private", {"x-api-key": key})
        assert answer.status == 200
        return upstream.seen[-1].get("authorization")

    assert await forwarded() == f"Bearer {free}"
    upstream.api_keys[key] = pro
    end(own_gateway, "user", "40", "not_before", str(int(time.time()) + 5), "generation", "1")

    async def is_exchanged_anew() -> bool:
        return await forwarded() == f"Bearer {pro}"

    await eventually(is_exchanged_anew)
