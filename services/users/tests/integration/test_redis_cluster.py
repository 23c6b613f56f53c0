"""The service on a Redis Cluster, as the user that it has there: what ended is told, guessing slowed (auth 3 and 4)."""

import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from redis.asyncio import Redis

from local_stack.servers.redis_users import user_lines
from shared.identity import RevokedTokens
from shared.redis_client import create_redis
from shared.settings import RedisSettings
from shared.testing.redis_cluster import RedisCluster, running_cluster
from shared.testing.serving import running
from shared.testing.waiting import eventually
from users.account_throttle import AccountThrottle, Place
from users.domain.emails import email_key
from users.main import create_application
from users.settings import UsersSettings

from .conftest import WithoutDevice
from .people import PASSWORD, Account, Accounts
from .test_ended_tokens import claims, generation

PASSWORDS = {name: secrets.token_hex(16) for name in ("users", "orders")}


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with running_cluster() as cluster:
        for node in cluster.all:
            for line in user_lines(PASSWORDS).splitlines():
                node.say("ACL", "SETUSER", *line.split()[1:])
        yield cluster


def named(settings: RedisSettings, cluster: RedisCluster, user: str) -> RedisSettings:
    """The cluster as one service knows it."""
    url = cluster.url.replace("://", f"://{user}:{PASSWORDS[user]}@")
    return settings.model_copy(update={"url": SecretStr(url)})


@pytest_asyncio.fixture(scope="module")
async def served(
    settings: UsersSettings, client: httpx.AsyncClient, cluster: RedisCluster
) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    """The API on the cluster, with few free failures."""
    assert client.base_url
    login = settings.login.model_copy(update={"account_failures": 4, "address_failures": 6, "limits_scale": 1.0})
    app = create_application(
        settings.model_copy(update={"login": login, "redis": named(settings.redis, cluster, "users")})
    )
    async with running(app) as on_cluster:
        on_cluster.cookies.jar.set_policy(WithoutDevice())
        yield on_cluster, app.state.resources.service


@pytest_asyncio.fixture
async def elsewhere(settings: UsersSettings, cluster: RedisCluster) -> AsyncIterator[RevokedTokens]:
    """What another service knows of tokens that ended."""
    redis: Redis = create_redis(named(settings.redis, cluster, "orders"))
    yield RevokedTokens(redis)
    await redis.aclose()


async def is_ended(elsewhere: RevokedTokens, account: Account) -> bool:
    await elsewhere.resync()
    return elsewhere.covers(*claims(account), generation=generation(account))


async def test_auth_3_what_ended_is_told_through_the_cluster_and_again_where_the_stream_moved_to(
    served: tuple[httpx.AsyncClient, Any], accounts: Accounts, elsewhere: RevokedTokens, cluster: RedisCluster
):
    client, _ = served
    first, second = await accounts.make(), await accounts.make()
    assert not await is_ended(elsewhere, first)
    assert (await client.delete(f"/api/v1/users/{first.id}", headers=first.headers)).status_code == 204
    await eventually(lambda: is_ended(elsewhere, first))
    slot, source = cluster.slot("tokens:revoked"), cluster.owner("tokens:revoked")
    cluster.begin_move(slot, source, cluster.spare)
    cluster.end_move(slot, source, cluster.spare)
    assert (await client.delete(f"/api/v1/users/{second.id}", headers=second.headers)).status_code == 204
    await eventually(lambda: is_ended(elsewhere, second))


async def test_auth_4_guesses_are_counted_by_account_and_by_address_wherever_those_lie(
    served: tuple[httpx.AsyncClient, Any], account: Account, stranger: Account, monkeypatch: pytest.MonkeyPatch
):
    throttle: AccountThrottle = served[1].account_throttle
    # The first wait is of one second, which passes on a busy machine.
    monkeypatch.setattr(throttle, "clock", lambda: 1_800_000_000.0)
    one = email_key(account.email)
    waits = [await throttle.take(one, Place(f"198.18.7.{number}")) for number in range(8)]
    assert waits[:5] == [0] * 5
    assert all(waits[5:])
    # A try that the account refuses costs the address nothing, and one that the address refuses nothing the account.
    here = Place("198.18.8.1")
    assert all([await throttle.take(one, here) for _ in range(20)])
    assert [await throttle.take(f"nobody-{number}", here) for number in range(6)] == [0] * 6
    assert await throttle.take(email_key(stranger.email), here) > 0
    assert await throttle.take(email_key(stranger.email), Place("198.18.8.2")) == 0
    # Who knew the password did not fail.
    await throttle.forgive("nobody-0", here)
    assert await throttle.take("nobody-7", here) == 0
    assert await throttle.take("nobody-8", here) > 0


async def test_auth_4_without_a_node_people_log_in(
    served: tuple[httpx.AsyncClient, Any], accounts: Accounts, cluster: RedisCluster
):
    people = [await accounts.make() for _ in range(4)]
    cluster.nodes[2].kill()
    for number, person in enumerate(people):
        answer = await served[0].post(
            "/api/v1/auth/login",
            json={"email": person.email, "password": PASSWORD},
            headers={"X-Forwarded-For": f"198.18.9.{number}"},
        )
        assert answer.status_code == 200, answer.text
