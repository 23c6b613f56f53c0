"""POST /auth/login."""

import asyncio

import bcrypt
import httpx
import jwt
import pytest
from redis.asyncio import Redis

from shared.testing.serving import running
from users.domain.scopes import USER_SCOPES
from users.hashing import Passwords, Verdict
from users.main import create_application
from users.settings import UsersSettings

from .people import PASSWORD, Account, Accounts, new_email


async def _try(client: httpx.AsyncClient, email: str, password: str = PASSWORD, address: str = "") -> httpx.Response:
    headers = {"X-Forwarded-For": address} if address else {}
    return await client.post("/api/v1/auth/login", json={"email": email, "password": password}, headers=headers)


async def test_a_login_gives_tokens(client: httpx.AsyncClient, account: Account, settings: UsersSettings):
    answer = await _try(client, f" {account.email.upper()} ")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    assert tokens["refresh_token"].startswith("ghr_")
    header = jwt.get_unverified_header(tokens["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "EdDSA")
    keys = jwt.PyJWKSet.from_dict((await client.get("/.well-known/jwks.json")).json())
    claims = jwt.decode(
        tokens["access_token"],
        keys[header["kid"]],
        algorithms=["EdDSA"],
        audience="gatehouse",
        issuer=settings.tokens.issuer,
    )
    assert claims["sub"] == str(account.id)
    assert claims["exp"] - claims["iat"] == 900
    assert (claims["role"], claims["tier"]) == ("user", "free")
    scopes = claims["scope"].split()
    assert set(scopes) == set(USER_SCOPES)
    assert {"users:read", "users:write"} <= set(scopes)
    assert "admin" not in scopes
    assert claims["jti"]


async def test_an_admins_token_says_so(admin: Account):
    claims = jwt.decode(admin.tokens["access_token"], options={"verify_signature": False})
    assert claims["role"] == "admin"
    assert "admin" in claims["scope"].split()


async def test_unknown_wrong_and_disabled_are_answered_alike(
    client: httpx.AsyncClient, account: Account, stranger: Account, accounts: Accounts
):
    # TRAPS.md, Auth 4
    await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", stranger.id)
    answers = [
        await _try(client, new_email(), address="198.51.100.1"),
        await _try(client, account.email, "Wrong-Horse-7", address="198.51.100.2"),
        await _try(client, stranger.email, address="198.51.100.3"),
        await _try(client, "no address", address="198.51.100.4"),
    ]
    bodies = [{**answer.json(), "trace_id": ""} for answer in answers]
    assert {answer.status_code for answer in answers} == {401}
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "invalid_credentials"
    assert len({tuple(sorted(set(answer.headers) - {"date"})) for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"] == 'Bearer realm="gatehouse"'


async def test_unknown_and_wrong_cost_the_same_check(
    client: httpx.AsyncClient, account: Account, monkeypatch: pytest.MonkeyPatch
):
    # TRAPS.md, Auth 4. What takes the time is counted, since a busy machine's clock tells little: one hash of one cost.
    verify = Passwords._verify
    checked: list[str] = []

    def watched(self: Passwords, stored: str, password: str) -> Verdict:
        checked.append(stored.rsplit("$", 2)[0])  # without salt and hash: the scheme and its cost
        return verify(self, stored, password)

    monkeypatch.setattr(Passwords, "_verify", watched)
    for email in (account.email, new_email()):
        assert (await _try(client, email, "Wrong-Horse-7", address="198.51.100.5")).status_code == 401
    assert checked == ["$argon2id$v=19$m=19456,t=2,p=1"] * 2


@pytest.mark.parametrize(
    "body", [{}, {"email": "a@example.com"}, {"email": 1, "password": "x"}, {"email": "a", "password": None}]
)
async def test_a_login_that_is_none(client: httpx.AsyncClient, body: dict[str, object]):
    answer = await client.post("/api/v1/auth/login", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


async def test_a_bcrypt_hash_is_upgraded(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    # TRAPS.md, Auth 5
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")
    await accounts.execute("UPDATE users SET password_hash = $2 WHERE id = $1", account.id, old)
    assert (await _try(client, account.email, "Wrong-Horse-7")).status_code == 401
    read = "SELECT password_hash FROM users WHERE id = $1"
    assert await accounts.value(read, account.id) == old
    assert (await _try(client, account.email)).status_code == 200
    assert (await accounts.value(read, account.id)).startswith("$argon2id$")
    assert (await _try(client, account.email)).status_code == 200
    shown = await client.get("/api/v1/users/me", headers=account.headers)
    assert shown.headers["etag"] == '"1"'


async def test_guessing_is_throttled_by_account_and_address(client: httpx.AsyncClient, account: Account):
    # TRAPS.md, Auth 4: the stranger waits, the owner does not.
    guess = [await _try(client, account.email, "Wrong-Horse-7", "203.0.113.1") for _ in range(6)]
    assert [answer.status_code for answer in guess] == [401] * 5 + [429]
    assert guess[-1].json()["code"] == "too_many_failures"
    assert 0 < int(guess[-1].headers["retry-after"]) <= 900
    assert (await _try(client, account.email, PASSWORD, "203.0.113.1")).status_code == 429
    assert (await _try(client, account.email, PASSWORD, "203.0.113.2")).status_code == 200


async def test_an_unknown_address_is_throttled_alike(client: httpx.AsyncClient):
    email = new_email()
    statuses = [(await _try(client, email, "Wrong-Horse-7", "203.0.113.3")).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


async def test_many_at_once_are_no_way_around(client: httpx.AsyncClient, account: Account):
    answers = await asyncio.gather(*(_try(client, account.email, "Wrong-Horse-7", "203.0.113.4") for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15


async def test_a_right_password_forgets_the_failures(client: httpx.AsyncClient, account: Account):
    for _ in range(3):
        for _ in range(4):
            assert (await _try(client, account.email, "Wrong-Horse-7", "203.0.113.5")).status_code == 401
        assert (await _try(client, account.email, PASSWORD, "203.0.113.5")).status_code == 200


async def test_ipv6_is_counted_by_its_64(client: httpx.AsyncClient, account: Account):
    # TRAPS.md, rate limiting 7
    statuses = [
        (await _try(client, account.email, "Wrong-Horse-7", f"2001:db8:0:1::{host:x}")).status_code
        for host in range(1, 7)
    ]
    assert statuses == [401] * 5 + [429]
    assert (await _try(client, account.email, PASSWORD, "2001:db8:0:2::1")).status_code == 200


async def test_failures_end_with_their_window(client: httpx.AsyncClient, account: Account, redis: Redis):
    # TRAPS.md, rate limiting 3: every key has a TTL
    # Those of other tests may end between being found and being looked at.
    before = {key async for key in redis.scan_iter("users:login:*")}
    await _try(client, account.email, "Wrong-Horse-7", "203.0.113.6")
    keys = {key async for key in redis.scan_iter("users:login:*")} - before
    assert keys
    for key in keys:
        assert 0 < await redis.pttl(key) <= 900_000


async def test_redis_gone_lets_logins_through_and_says_so(settings: UsersSettings, account: Account):
    away = settings.redis.model_copy(update={"url": type(settings.redis.url)("redis://127.0.0.1:1")})
    app = create_application(settings.model_copy(update={"redis": away}))
    async with running(app) as client:
        for _ in range(7):
            assert (await _try(client, account.email, "Wrong-Horse-7", "203.0.113.7")).status_code == 401
        assert (await _try(client, account.email, PASSWORD, "203.0.113.7")).status_code == 200
        metrics = (await client.get("/metrics")).text
    counted = next(line for line in metrics.splitlines() if line.startswith("users_login_throttle_open_total"))
    assert float(counted.split()[1]) >= 8
