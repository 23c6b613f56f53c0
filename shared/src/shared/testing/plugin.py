"""Fixtures every test may ask for; loaded by the root conftest."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import TypeAlias

import pytest
import pytest_asyncio

from shared.settings import ServiceSettings
from shared.testing.servers import (
    Servers,
    ServiceRoles,
    create_role,
    create_service_roles,
    drop_role,
    fresh_database,
    fresh_redis,
    fresh_vhost,
    start_servers,
)
from shared.testing.tokens import AUDIENCE, ISSUER, Signer
from shared.testing.waiting import PATIENCE_SECONDS

RoleMaker: TypeAlias = Callable[[str], Awaitable[str]]
RolesMaker: TypeAlias = Callable[[str], Awaitable[ServiceRoles]]


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    """The servers of this run."""
    return start_servers(pytestconfig.rootpath)


@pytest_asyncio.fixture(scope="session")
async def admin_database_url(servers: Servers) -> AsyncIterator[str]:
    """A database of this run's own, as its superuser."""
    async with fresh_database(servers) as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def database_role(servers: Servers, admin_database_url: str) -> AsyncIterator[RoleMaker]:
    """Makes a service's role and schema in this run's database, once each; gives its URL."""
    made: dict[str, str] = {}

    async def make(service: str) -> str:
        if service not in made:
            made[service] = await create_role(admin_database_url, service)
        return made[service]

    yield make
    await _drop(servers, admin_database_url, made.values())


@pytest_asyncio.fixture(scope="session")
async def service_roles(servers: Servers, admin_database_url: str) -> AsyncIterator[RolesMaker]:
    """Makes a service's schema with its owner and the role that serves, once each; gives their URLs."""
    made: dict[str, ServiceRoles] = {}

    async def make(service: str) -> ServiceRoles:
        if service not in made:
            made[service] = await create_service_roles(admin_database_url, service)
        return made[service]

    yield make
    await _drop(servers, admin_database_url, [url for roles in made.values() for url in (roles.owner, roles.serving)])


async def _drop(servers: Servers, admin_url: str, urls: Iterable[str]) -> None:
    # The database goes after the fixture and owns what the roles own, so they are dropped by name.
    for url in urls:
        await _release(admin_url, url)
        await drop_role(servers, url)


async def _release(admin_url: str, role_url: str) -> None:
    from urllib.parse import urlsplit  # noqa: PLC0415 - only here

    import asyncpg  # noqa: PLC0415 - only here

    admin = await asyncpg.connect(admin_url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1",
        urlsplit(role_url).username,
    )
    await admin.execute(f"DROP OWNED BY {urlsplit(role_url).username} CASCADE")
    await admin.close()


@pytest.fixture(scope="session")
def amqp_url(servers: Servers) -> Iterator[str]:
    """A virtual host of this run's own."""
    with fresh_vhost(servers) as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def redis_url(servers: Servers) -> AsyncIterator[str]:
    """An empty Redis database."""
    async with fresh_redis(servers) as url:
        yield url


@pytest.fixture(scope="session")
def signer() -> Signer:
    """The key that the tests' tokens are signed with."""
    return Signer()


SettingsMaker: TypeAlias = Callable[[str], Awaitable[dict[str, str]]]


@pytest.fixture(scope="session")
def service_environment(service_roles: RolesMaker, amqp_url: str, redis_url: str) -> SettingsMaker:
    """The environment a service's settings are read from, on this run's servers.

    The clock starts nothing of the code's there: a test queues the job.
    """

    async def make(service: str) -> dict[str, str]:
        roles = await service_roles(service)
        return {
            "ENVIRONMENT": "test",
            "HTTP_PORT": "0",
            "DATABASE_URL": roles.serving,
            "DATABASE_OWNER_URL": roles.owner,
            "REDIS_URL": redis_url,
            "AMQP_URL": amqp_url,
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
            "JWKS_URL": "http://127.0.0.1:1/unused",
            "WORKER_SCHEDULES": "false",
            # A machine that stands still for some seconds is no Postgres that is full or away.
            "DATABASE_ACQUIRE_SECONDS": f"{PATIENCE_SECONDS}",
            "DATABASE_STATEMENT_SECONDS": f"{PATIENCE_SECONDS}",
        }

    return make


@pytest.fixture(scope="session")
def service_settings(service_environment: SettingsMaker) -> Callable[[str], Awaitable[ServiceSettings]]:
    """Settings of a service on this run's servers."""

    async def make(service: str) -> ServiceSettings:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (await service_environment(service)).items():
                patch.setenv(name, value)
            return ServiceSettings()

    return make
