"""A key follows another under load: no token is refused at any time, whoever signs it and however old caches are."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio

from shared.identity import RemoteKeys, TokenVerifier
from shared.problems import Unavailable
from shared.testing.plugin import RoleMaker
from shared.testing.serving import running
from users import key_rotation
from users.access_tokens import TokenIssuer
from users.domain.account import Role
from users.domain.sessions import ACCESS_TOKEN_LIFETIME
from users.domain.signing_keys import LATE, Algorithm, KeyState
from users.key_ring import KeyRing
from users.key_rotation import KeyChangeRefusedError, Ring
from users.main import create_application
from users.signing_settings import SigningSettings
from users.store import signing_keys as store

from .rings import Clock, OwnRing, own_ring

STEP = 15.0


@pytest_asyncio.fixture
async def ring(environment: dict[str, str], database_role: RoleMaker) -> AsyncIterator[OwnRing]:
    """An empty one for each test."""
    async with own_ring(environment, database_role, "users_rotation") as ring:
        async with ring.database.acquire() as connection:
            await connection.execute("DELETE FROM signing_keys")
        yield ring


@pytest.fixture
def clock() -> Clock:
    return Clock()


def settings_of(ring: OwnRing, **changes: Any) -> SigningSettings:
    return ring.settings.signing.model_copy(update=changes)


async def rotate(ring: OwnRing, clock: Clock, **options: Any) -> str:
    async with ring.database.transaction() as connection:
        how = Ring.of(options.pop("settings", ring.settings.signing))
        return (await key_rotation.rotate(connection, how, datetime.fromtimestamp(clock(), UTC), **options)).key_id


async def states(ring: OwnRing, clock: Clock) -> dict[str, KeyState]:
    async with ring.database.acquire() as connection:
        keys = await store.newest(connection, 10)
    return {key.key_id: key.state_at(datetime.fromtimestamp(clock(), UTC)) for key in keys}


class Balanced:
    """Asks one instance and then the other, as a load balancer does."""

    def __init__(self, *clients: httpx.AsyncClient) -> None:
        self._clients = list(clients)

    async def get(self, url: str) -> httpx.Response:
        self._clients.append(self._clients.pop(0))
        return await self._clients[0].get(url)


def sign(keys: KeyRing, ring: OwnRing) -> str:
    issuer = TokenIssuer(ring.settings.tokens, keys)
    return issuer.issue(7, role=Role.USER, tier="free", scopes=["users:read"], lifetime=ACCESS_TOKEN_LIFETIME).token


@pytest.mark.parametrize("algorithm", Algorithm)
async def test_auth_1_a_rotation_under_load_refuses_no_token(
    ring: OwnRing, clock: Clock, monkeypatch: pytest.MonkeyPatch, algorithm: Algorithm
):
    signing = settings_of(ring, algorithm=algorithm)
    one, other = (KeyRing(signing, clock=clock) for _ in range(2))
    # Verifiers ask by the same clock, and no unknown key makes them ask earlier: the overlap alone must do it.
    monkeypatch.setattr("shared.identity.jwks.time", SimpleNamespace(monotonic=clock))
    monkeypatch.setattr("shared.identity.jwks._REFETCH_SECONDS", 300.0)
    async with (
        running(create_application(ring.settings, ring=one)) as here,
        running(create_application(ring.settings, ring=other)) as there,
    ):
        keys: Any = RemoteKeys("/.well-known/jwks.json", Balanced(here, there))  # pyright: ignore[reportArgumentType]
        verifier = TokenVerifier(ring.settings.tokens, keys)
        living: list[tuple[float, str]] = []
        signers: list[str] = []
        began = clock()
        ends = began + signing.ahead_seconds + 2 * ACCESS_TOKEN_LIFETIME.total_seconds()
        step = 0
        while clock() < ends:
            if step == 3:
                await rotate(ring, clock, settings=signing)
            async with ring.database.acquire() as connection:
                await (one, other)[step % 2].refresh(connection)  # each hears of it late, and at another time
            for instance in (one, other):
                token = sign(instance, ring)
                living.append((clock() + ACCESS_TOKEN_LIFETIME.total_seconds(), token))
                signers.append(jwt.get_unverified_header(token)["kid"])
            living = [(expires, token) for expires, token in living if expires > clock()]
            for _, token in living:
                await verifier.verify(token)
            clock.now += STEP
            step += 1
        old, new = signers[0], signers[-1]
        assert set(signers) == {old, new}
        assert old != new
        assert await states(ring, clock) == {old: KeyState.GONE, new: KeyState.ACTIVE}
        published = (await here.get("/.well-known/jwks.json")).json()["keys"]
        assert [key["kid"] for key in published] == [new]
        assert {key["alg"] for key in published} == {algorithm.value}


async def test_rotation_on_schedule_is_made_once_and_signs_when_the_period_is_over(ring: OwnRing, clock: Clock):
    keys = KeyRing(ring.settings.signing, clock=clock)
    await keys.open(ring.database)
    first = keys.signing().key_id
    how, made = Ring.of(ring.settings.signing), list[str]()
    period = ring.settings.signing.period
    recorded = "SELECT count(*) FROM audit_events WHERE action = 'key.rotated'"
    before = await ring.value(recorded)
    began = clock()
    while clock() < began + period.total_seconds() + 3600:
        for _ in range(2):  # two workers, or a job that is done again
            async with ring.database.transaction() as connection:
                key = await key_rotation.tick(connection, how, keys.now())
                made += [key.key_id] if key else []
        clock.now += 900 if clock() > began + period.total_seconds() - 7200 else 86_400 / 2
    async with ring.database.acquire() as connection:
        await keys.refresh(connection)
        [second] = made
        new, old = await store.newest(connection, 10)
    assert keys.signing().key_id == second == new.key_id
    assert old.key_id == first
    assert old.signs_until == new.signs_from
    assert abs((new.signs_from - old.signs_from) - period) <= timedelta(minutes=15)
    assert old.sealed_private is None, "a private key that signs no more is kept nowhere"
    assert await ring.value(recorded) == before + 1


async def test_another_algorithm_is_taken_up_by_the_next_tick(ring: OwnRing, clock: Clock):
    keys = KeyRing(ring.settings.signing, clock=clock)
    await keys.open(ring.database)
    async with ring.database.transaction() as connection:
        how = Ring.of(settings_of(ring, algorithm=Algorithm.ES256))
        assert await key_rotation.tick(connection, how, keys.now())
    clock.now += ring.settings.signing.ahead_seconds
    async with ring.database.acquire() as connection:
        await keys.refresh(connection)
    assert keys.signing().algorithm is Algorithm.ES256
    assert [key["alg"] for key in keys.published()] == ["EdDSA", "ES256"]


async def test_rotate_now_signs_at_once_and_a_second_planned_one_is_refused(ring: OwnRing, clock: Clock):
    keys = KeyRing(ring.settings.signing, clock=clock)
    await keys.open(ring.database)
    clock.now += 60
    planned = await rotate(ring, clock)
    with pytest.raises(KeyChangeRefusedError, match=f"key {planned} is on its way already"):
        await rotate(ring, clock)
    clock.now += 1
    assert await rotate(ring, clock, at_once=True) == planned, "the one that is published already is used"
    async with ring.database.acquire() as connection:
        await keys.refresh(connection)
    assert keys.signing().key_id == planned
    clock.now += 1
    fresh = await rotate(ring, clock, at_once=True)
    async with ring.database.acquire() as connection:
        await keys.refresh(connection)
    assert keys.signing().key_id == fresh
    assert len(keys.published()) == 3


async def test_who_hears_nothing_changes_keys_in_time_and_stops_before_a_token_would_be_refused(
    ring: OwnRing, clock: Clock
):
    keys = KeyRing(ring.settings.signing, clock=clock)
    await keys.open(ring.database)
    first = keys.signing().key_id
    clock.now += 60
    second = await rotate(ring, clock)
    async with ring.database.acquire() as connection:
        await keys.refresh(connection)
    # From here on it cannot reach Postgres.
    clock.now += ring.settings.signing.ahead_seconds - 1
    assert keys.signing().key_id == first
    clock.now += 1
    assert keys.signing().key_id == second
    lonely = KeyRing(ring.settings.signing, clock=clock)
    await lonely.open(ring.database)
    clock.now += 10
    third = await rotate(ring, clock, at_once=True)
    async with ring.database.acquire() as connection:
        await lonely.refresh(connection)
    lonely._held.pop(third)  # as with a SIGNING_KEYS_KEY that does not open the new one
    assert lonely.signing().key_id == second
    clock.now += LATE.total_seconds()
    with pytest.raises(Unavailable):
        lonely.signing()
