"""The demo accounts."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from shared.postgres import Database
from shared.settings import Environment, SeedSettings
from shared.testing.serving import running
from users.seeding import DEMO_ACCOUNTS, SeedRefusedError, seed
from users.settings import WorkerSettings
from users.worker import create_application

from .people import Accounts


@pytest_asyncio.fixture(autouse=True)
async def _nobody(accounts: Accounts) -> AsyncIterator[None]:
    yield
    for demo in DEMO_ACCOUNTS:
        await accounts.execute("DELETE FROM users WHERE email = $1", demo.email)


async def test_seeding_twice_makes_each_account_once(client: httpx.AsyncClient, database: Database, accounts: Accounts):
    made = await asyncio.gather(*(seed(database, Environment.DEVELOPMENT) for _ in range(2)))
    assert sum(made) == 2
    assert await seed(database, Environment.DEVELOPMENT) == 0
    for demo in DEMO_ACCOUNTS:
        answer = await client.post("/api/v1/auth/login", json={"email": demo.email, "password": demo.password})
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        shown = (await client.get("/api/v1/users/me", headers=headers)).json()
        assert (shown["name"], shown["role"], shown["email_verified"]) == (demo.name, demo.role, True)
        types = "SELECT count(*) FROM jobs WHERE payload->>'user_id' = $1"
        assert await accounts.value(types, str(shown["id"])) == 1


async def test_nothing_is_seeded_in_production(database: Database):
    with pytest.raises(SeedRefusedError):
        await seed(database, Environment.PRODUCTION)


@pytest.mark.parametrize(
    ("stage", "demo_data", "seeded"),
    [(Environment.DEVELOPMENT, True, 2), (Environment.DEVELOPMENT, False, 0), (Environment.PRODUCTION, True, 0)],
)
async def test_the_worker_seeds_in_development_when_asked(
    worker_settings: WorkerSettings,
    accounts: Accounts,
    stage: Environment,
    demo_data: bool,  # noqa: FBT001 - a parameter of the test
    seeded: int,
):
    update = {"environment": stage, "seed": SeedSettings(demo_data=demo_data)}
    async with running(create_application(worker_settings.model_copy(update=update))):
        emails = [demo.email for demo in DEMO_ACCOUNTS]
        assert await accounts.value("SELECT count(*) FROM users WHERE email = ANY($1)", emails) == seeded
