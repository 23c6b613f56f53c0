"""The users API on a real socket, on a schema of its own, and accounts to play with."""

import asyncio
from collections.abc import AsyncIterator
from http.cookiejar import Cookie, DefaultCookiePolicy
from pathlib import Path
from urllib.request import Request

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from redis.asyncio import Redis

from shared.postgres import Database
from shared.testing.mail_sink import Sink, serving
from shared.testing.plugin import SettingsMaker
from shared.testing.serving import running
from shared.testing.waiting import PATIENCE_SECONDS
from users.main import create_application
from users.settings import UsersSettings, WorkerSettings
from users.signing_key import SigningKey
from users.worker import create_application as create_worker_application

from .oauth_programs import Program, Programs
from .oauth_visiting import App, Apps, Visitor
from .people import Account, Accounts


class WithoutDevice(DefaultCookiePolicy):
    """The tests' accounts come from many browsers: none is known by the cookie of the last login."""

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        return cookie.name != "gatehouse_device" and super().set_ok(cookie, request)


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "users.pem"
    key = SigningKey.generate().private
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path


@pytest_asyncio.fixture(scope="session")
async def environment(
    service_environment: SettingsMaker, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    return {
        **await service_environment("users"),
        "TOKEN_PRIVATE_KEY_FILE": str(key_file),
        "AVATARS_DIR": str(tmp_path_factory.mktemp("avatars")),
        "LOGIN_FAILURES": "5",
        "LOGIN_ADDRESS_FAILURES": "2000",
        "LIMITS_SCALE": "1",
        # A machine that stands still for seconds is no server that is away: nothing here is about these limits.
        "REDIS_TIMEOUT_SECONDS": str(PATIENCE_SECONDS),
        "DATABASE_ACQUIRE_SECONDS": str(PATIENCE_SECONDS),
        "DATABASE_STATEMENT_SECONDS": str(PATIENCE_SECONDS),
    }


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> UsersSettings:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return UsersSettings()


@pytest_asyncio.fixture(scope="session")
async def client(settings: UsersSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_application(settings)) as client:
        client.cookies.jar.set_policy(WithoutDevice())
        yield client


@pytest_asyncio.fixture(scope="session")
async def database(settings: UsersSettings, client: httpx.AsyncClient) -> AsyncIterator[Database]:
    assert client.base_url
    database = Database(settings.postgres, application_name="users-tests")
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def redis(settings: UsersSettings) -> AsyncIterator[Redis]:
    redis = Redis.from_url(settings.redis.url.get_secret_value())
    yield redis
    await redis.aclose()


@pytest.fixture(scope="session")
def accounts(client: httpx.AsyncClient, database: Database) -> Accounts:
    return Accounts(client, database)


@pytest_asyncio.fixture
async def account(accounts: Accounts) -> Account:
    return await accounts.make()


@pytest_asyncio.fixture
async def stranger(accounts: Accounts) -> Account:
    return await accounts.make("Grace Hopper")


@pytest_asyncio.fixture
async def admin(accounts: Accounts) -> AsyncIterator[Account]:
    """An admin that is no more one when the test is over, so that each test knows the admins there are."""
    account = await accounts.make("The Admin", role="admin")
    yield account
    await accounts.execute("UPDATE users SET role = 'user' WHERE id = $1", account.id)


@pytest.fixture(scope="session")
def programs(client: httpx.AsyncClient, database: Database) -> Programs:
    return Programs(client, database)


@pytest_asyncio.fixture
async def program(programs: Programs) -> Program:
    return await programs.make()


@pytest.fixture(scope="session")
def apps(database: Database) -> Apps:
    return Apps(database)


@pytest_asyncio.fixture
async def app(apps: Apps) -> App:
    return await apps.make()


@pytest_asyncio.fixture
async def visitor(client: httpx.AsyncClient) -> AsyncIterator[Visitor]:
    visitor = Visitor(client)
    yield visitor
    await visitor.http.aclose()


@pytest_asyncio.fixture
async def other_visitor(client: httpx.AsyncClient) -> AsyncIterator[Visitor]:
    visitor = Visitor(client)
    yield visitor
    await visitor.http.aclose()


@pytest.fixture(scope="session")
def sink() -> Sink:
    return Sink()


@pytest_asyncio.fixture(scope="session")
async def smtp_url(sink: Sink) -> AsyncIterator[str]:
    async with serving(sink) as url:
        yield url


@pytest.fixture(scope="session")
def worker_settings(environment: dict[str, str], smtp_url: str) -> WorkerSettings:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment, "SMTP_URL": smtp_url}.items():
            patch.setenv(name, value)
        return WorkerSettings()


@pytest_asyncio.fixture(scope="session")
async def worker(worker_settings: WorkerSettings, client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """The worker, running beside the API."""
    assert client.base_url
    async with running(create_worker_application(worker_settings)) as worker:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await worker.get("/health/ready")).status_code != 200:
                await asyncio.sleep(0.1)
        yield worker
