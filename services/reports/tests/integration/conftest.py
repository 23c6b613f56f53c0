"""The service's API and worker, running on real servers, and another service's outbox to hear events from."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio

from reports import main
from reports.settings import ReportsSettings
from shared.messaging import Bus, Relay
from shared.postgres import Database, ready_schema
from shared.settings import PostgresSettings
from shared.testing.mail_sink import Sink, serving
from shared.testing.plugin import RolesMaker, SettingsMaker
from shared.testing.servers import Servers, create_service_roles, drop_role, fresh_database, fresh_vhost
from shared.testing.serving import running
from shared.testing.tokens import Signer

from .outside import Outside
from .outside import outside as outside  # noqa: PLC0414 - a fixture
from .story import OtherServices, running_worker


@pytest_asyncio.fixture(scope="session")
async def environment(
    service_environment: SettingsMaker, tmp_path_factory: pytest.TempPathFactory, outside: Outside, smtp_url: str
) -> dict[str, str]:
    directory = tmp_path_factory.mktemp("reports")
    own = {"REPORTS_DIR": str(directory), "SMTP_URL": smtp_url}
    return {**await service_environment("reports"), **own, **outside.environment}


@pytest.fixture(scope="session")
def sink() -> Sink:
    return Sink()


@pytest_asyncio.fixture(scope="session")
async def smtp_url(sink: Sink) -> AsyncIterator[str]:
    async with serving(sink) as url:
        yield url


@pytest.fixture(scope="session")
def make_settings(environment: dict[str, str]) -> Callable[..., ReportsSettings]:
    def make(**more: str) -> ReportsSettings:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**environment, **more}.items():
                patch.setenv(name, value)
            return ReportsSettings()

    return make


@pytest.fixture(scope="session")
def settings(make_settings: Callable[..., ReportsSettings]) -> ReportsSettings:
    return make_settings()


@pytest.fixture(scope="session")
def directory(environment: dict[str, str]) -> Path:
    return Path(environment["REPORTS_DIR"])


@pytest_asyncio.fixture(scope="session")
async def api(settings: ReportsSettings, signer: Signer) -> AsyncIterator[httpx.AsyncClient]:
    async with running(main.create_application(settings, signer)) as client:
        yield client


@pytest_asyncio.fixture(scope="session")
async def quiet_settings(
    servers: Servers, make_settings: Callable[..., ReportsSettings]
) -> AsyncIterator[ReportsSettings]:
    """Of a second installation, whose jobs wait until a test runs a worker there."""
    with fresh_vhost(servers) as vhost:
        async with fresh_database(servers) as database_url:
            roles = await create_service_roles(database_url, "reports")
            yield make_settings(DATABASE_URL=roles.serving, DATABASE_OWNER_URL=roles.owner, AMQP_URL=vhost)
        for url in (roles.serving, roles.owner):
            await drop_role(servers, url)


@pytest_asyncio.fixture(scope="session")
async def quiet_api(quiet_settings: ReportsSettings, signer: Signer) -> AsyncIterator[httpx.AsyncClient]:
    async with running(main.create_application(quiet_settings, signer)) as client:
        yield client


@pytest_asyncio.fixture(scope="session")
async def quiet_database(
    quiet_api: httpx.AsyncClient, quiet_settings: ReportsSettings
) -> AsyncIterator[asyncpg.Connection]:
    assert quiet_api, "it has applied the migrations"
    connection = await asyncpg.connect(quiet_settings.postgres.url.get_secret_value())
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="session")
async def worker_process(settings: ReportsSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The worker, in this process."""
    async with running_worker(settings) as client:
        yield client


@pytest_asyncio.fixture(scope="session")
async def database(api: httpx.AsyncClient, environment: dict[str, str]) -> AsyncIterator[asyncpg.Connection]:
    assert api, "it has applied the migrations"
    connection = await asyncpg.connect(environment["DATABASE_OWNER_URL"])
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="session")
async def others(
    service_roles: RolesMaker, settings: ReportsSettings, worker_process: httpx.AsyncClient
) -> AsyncIterator[OtherServices]:
    assert worker_process, "it hears what is said"
    roles = await service_roles("orders")
    settings_of_orders = PostgresSettings.model_validate({"url": roles.serving, "owner_url": roles.owner})
    database = Database(settings_of_orders, application_name="orders-test")
    await database.open()
    await ready_schema(database, settings_of_orders, "orders", [])
    async with Bus(settings.rabbit, name="orders-test") as bus:
        relay = asyncio.create_task(Relay(database, bus).run())
        yield OtherServices(database)
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
    await database.close()
