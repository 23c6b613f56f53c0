"""Guessing from many addresses is slowed and ended, and the owner logs in all the while (TRAPS.md, Auth 4)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.testing.mail_sink import Sink
from shared.testing.serving import running
from shared.testing.waiting import eventually
from users.account_throttle import AccountThrottle, Place
from users.api.device_cookie import NAME
from users.domain.emails import email_key
from users.main import create_application
from users.settings import UsersSettings

from .conftest import WithoutDevice
from .mails import mails_about, token_in
from .people import PASSWORD, Account, Accounts, new_email

START = 1_800_000_000.0


_STREETS = count(1)


class Clock:
    """Stands still until told to go on; in seconds."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Town:
    """Where logins come from: a house of the owner's, and as many strangers' as one likes."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock) -> None:
        self.client, self.clock = client, clock

    def new_address(self) -> str:
        return f"2001:db8:{next(_STREETS):x}::1"

    async def log_in(
        self, email: str, password: str = PASSWORD, *, address: str | None = None, device: str = ""
    ) -> httpx.Response:
        headers = {"X-Forwarded-For": address or self.new_address()}
        if device:
            headers["Cookie"] = f"{NAME}={device}"
        body = {"email": email, "password": password}
        return await self.client.post("/api/v1/auth/login", json=body, headers=headers)

    async def guess(self, email: str, **place: Any) -> int:
        return (await self.log_in(email, "Wrong-Horse-7", **place)).status_code

    async def wait_and_guess(self, email: str) -> tuple[int, int]:
        """Status of a guess from a new place, and the seconds to wait that it was told."""
        answer = await self.log_in(email, "Wrong-Horse-7")
        return answer.status_code, int(answer.headers.get("retry-after", "0"))


@pytest_asyncio.fixture(scope="module")
async def served(settings: UsersSettings, client: httpx.AsyncClient) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    """The API with few free failures."""
    assert client.base_url
    login = settings.login.model_copy(update={"account_failures": 4, "address_failures": 12})
    app = create_application(settings.model_copy(update={"login": login}))
    async with running(app) as few:
        few.cookies.jar.set_policy(WithoutDevice())
        yield few, app.state.resources.service


@pytest.fixture
def town(served: tuple[httpx.AsyncClient, Any]) -> Town:
    client, own = served
    clock = Clock()
    throttle: AccountThrottle = own.account_throttle
    throttle.clock = clock
    return Town(client, clock)


async def test_each_failure_of_a_botnet_costs_twice_the_wait(town: Town, account: Account):
    for _ in range(5):
        assert await town.wait_and_guess(account.email) == (401, 0)
    for doubled in (1, 2, 4, 8):
        assert await town.wait_and_guess(account.email) == (429, doubled)
        town.clock.now += doubled
        assert await town.wait_and_guess(account.email) == (401, 0)


async def test_an_unknown_account_is_slowed_alike(town: Town):
    email = new_email()
    for _ in range(5):
        assert await town.wait_and_guess(email) == (401, 0)
    refused = await town.log_in(email)
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
        429,
        "too_many_failures",
        "1",
    )


async def test_many_at_once_from_many_addresses_are_no_way_around(town: Town, account: Account):
    statuses = await asyncio.gather(*(town.guess(account.email) for _ in range(20)))
    assert sorted(statuses) == [401] * 5 + [429] * 15


async def test_a_hundred_in_a_row_end_it_for_strangers_and_never_for_the_owner(
    town: Town, account: Account, served: tuple[httpx.AsyncClient, Any]
):
    home = town.new_address()
    device = (await town.log_in(account.email, address=home)).cookies[NAME]
    throttle: AccountThrottle = served[1].account_throttle
    for _ in range(97):  # as a login counts them, without the work of a hash
        assert await throttle.take(email_key(account.email), Place(town.new_address())) == 0
        town.clock.now += 3600
    for _ in range(3):
        assert await town.guess(account.email) == 401
        town.clock.now += 3600
    status, wait = await town.wait_and_guess(account.email)
    assert (status, wait > 86_400) == (429, True)
    assert (await town.log_in(account.email)).status_code == 429
    # The owner: at home without the cookie, and anywhere with it.
    assert (await town.log_in(account.email, address=home)).status_code == 200
    assert (await town.log_in(account.email, device=device)).status_code == 200
    # Which is no word for the strangers.
    assert (await town.log_in(account.email)).status_code == 429


@pytest.mark.usefixtures("worker")
async def test_a_reset_by_mail_lets_the_owner_in_from_a_new_place(
    town: Town, account: Account, sink: Sink, served: tuple[httpx.AsyncClient, Any]
):
    throttle: AccountThrottle = served[1].account_throttle
    for _ in range(100):
        await throttle.take(email_key(account.email), Place(town.new_address()))
        town.clock.now += 3600
    assert (await town.log_in(account.email)).status_code == 429
    await town.client.post("/api/v1/auth/password-reset", json={"email": account.email})
    mail = await eventually(lambda: next(iter(mails_about(sink, account.email, "Reset your password")), None))
    new = {"token": token_in(mail), "password": "Another-Horse-8"}
    assert (await town.client.post("/api/v1/auth/password-reset/confirm", json=new)).status_code == 204
    assert (await town.log_in(account.email, "Another-Horse-8")).status_code == 200


async def test_a_right_password_from_a_new_place_begins_the_row_anew(town: Town, account: Account):
    for _ in range(4):
        assert await town.guess(account.email) == 401
    assert (await town.log_in(account.email)).status_code == 200
    for _ in range(5):
        assert await town.wait_and_guess(account.email) == (401, 0)


async def test_a_known_browser_is_not_free_to_guess(town: Town, account: Account):
    device = (await town.log_in(account.email)).cookies[NAME]
    statuses = [await town.guess(account.email, device=device) for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert (await town.log_in(account.email)).status_code == 200


async def test_a_cookie_is_good_for_its_account_alone_and_cannot_be_made(
    town: Town, account: Account, stranger: Account
):
    of_stranger = (await town.log_in(stranger.email)).cookies[NAME]
    for device in (of_stranger, of_stranger[:-2] + "AA", "x", "gAAAAA", "1.2"):
        assert await town.guess(account.email, device=device) == 401
    assert await town.wait_and_guess(account.email) == (429, 1)
    assert await town.guess(account.email, device=of_stranger) == 429


async def test_the_cookie_is_kept_from_scripts_and_other_sites(town: Town, account: Account):
    answer = await town.log_in(account.email)
    said = answer.headers["set-cookie"]
    assert said.startswith(f"{NAME}=")
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/api", "Max-Age=15552000"):
        assert attribute in said
    assert "secure" not in said.lower()  # the issuer of the tests is reached by http
    refused = await town.log_in(account.email, "Wrong-Horse-7")
    assert "set-cookie" not in refused.headers


async def test_where_https_is_spoken_the_cookie_goes_by_nothing_else(settings: UsersSettings, account: Account):
    tokens = settings.tokens.model_copy(update={"issuer": "https://gatehouse.example"})
    async with running(create_application(settings.model_copy(update={"tokens": tokens}))) as client:
        answer = await Town(client, Clock()).log_in(account.email)
    assert "; Secure" in answer.headers["set-cookie"]


async def test_spraying_over_accounts_from_one_address_is_bounded(town: Town, account: Account):
    address = town.new_address()
    statuses = [await town.guess(new_email(), address=address) for _ in range(13)]
    assert statuses == [401] * 12 + [429]
    assert (await town.log_in(account.email, address=address)).status_code == 429
    assert (await town.log_in(account.email)).status_code == 200


async def test_right_passwords_are_no_failures_of_their_address(town: Town, account: Account, stranger: Account):
    address = town.new_address()
    for _ in range(7):
        for owner in (account, stranger):
            assert (await town.log_in(owner.email, address=address)).status_code == 200


async def test_redis_gone_lets_logins_through_and_says_so(settings: UsersSettings, account: Account):
    away = settings.redis.model_copy(update={"url": type(settings.redis.url)("redis://127.0.0.1:1")})
    async with running(create_application(settings.model_copy(update={"redis": away}))) as client:
        assert (await Town(client, Clock()).log_in(account.email)).status_code == 200
        metrics = (await client.get("/metrics")).text
    counted = next(line for line in metrics.splitlines() if line.startswith("users_account_throttle_open_total"))
    assert float(counted.split()[1]) >= 1


async def test_a_refusal_is_on_record_once(town: Town, account: Account, accounts: Accounts):
    for _ in range(8):
        await town.guess(account.email)

    async def recorded() -> list[tuple[str, int]]:
        async with accounts.database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT action, sum(occurrences) AS times FROM audit_events WHERE subject_id = $1 GROUP BY action",
                account.id,
            )
        return sorted((row["action"], row["times"]) for row in rows)

    await eventually(recorded, [("login.failed", 5), ("login.succeeded", 1), ("login.throttled", 1)])


@pytest.mark.usefixtures("worker")
async def test_the_owner_hears_of_a_login_from_a_new_place_and_not_of_one_from_a_known(
    town: Town, account: Account, sink: Sink, accounts: Accounts
):
    notices = "SELECT count(*) FROM jobs WHERE type = 'users.notice_mail' AND payload->>'user_id' = $1"
    there = town.new_address()
    first = await town.log_in(account.email, address=there)
    device = first.cookies[NAME]
    assert await accounts.value(notices, str(account.id)) == 1
    assert (await town.log_in(account.email, address=there)).status_code == 200
    assert (await town.log_in(account.email, device=device)).status_code == 200
    assert await accounts.value(notices, str(account.id)) == 1

    async def told() -> bool:
        return any(
            mail["Subject"] == "A login from somewhere new" and account.email in str(mail["To"]) for mail in sink.mails
        )

    await eventually(told)


async def test_the_twenty_newest_places_are_remembered(town: Town, account: Account, accounts: Accounts):
    for _ in range(21):
        assert (await town.log_in(account.email)).status_code == 200
    assert await accounts.value("SELECT count(*) FROM known_devices WHERE user_id = $1", account.id) == 20


def test_a_fixed_token_does_not_become_the_victims(served: tuple[httpx.AsyncClient, Any]):
    devices = served[1].devices
    attackers = devices.read(devices.token(1, None))
    given = devices.read(devices.token(2, attackers))
    assert given == replace(given, user_id=2)
    assert given.nonce != attackers.nonce
    assert devices.read(devices.token(2, given)) == given
    assert devices.read("\xe9") is None
