"""The service's API and worker, running on real servers, and another service's outbox to hear events from."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import jsonschema
import pytest
import pytest_asyncio

from reports import main, worker
from reports.settings import ReportsSettings
from shared.messaging import Bus, Relay, append_event
from shared.postgres import Database, migrate
from shared.settings import PostgresSettings
from shared.testing.plugin import SettingsMaker
from shared.testing.serving import running
from shared.testing.tokens import Signer

SERVICES = Path(__file__).parents[3]
BASE = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1000)


@pytest_asyncio.fixture(scope="session")
async def environment(
    service_environment: SettingsMaker, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    directory = tmp_path_factory.mktemp("reports")
    return {**await service_environment("reports"), "REPORTS_DIR": str(directory)}


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


@asynccontextmanager
async def running_worker(settings: ReportsSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(worker.create_application(settings)) as client:
        async with asyncio.timeout(20):
            while (await client.get("/health/ready")).status_code != 200:
                await asyncio.sleep(0.05)
        yield client


@pytest_asyncio.fixture(scope="session")
async def worker_process(api: httpx.AsyncClient, settings: ReportsSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The worker, in this process: stopped before the API, as fixtures end in reverse."""
    async with running_worker(settings) as client:
        yield client


@pytest_asyncio.fixture(scope="session")
async def database(api: httpx.AsyncClient, environment: dict[str, str]) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(environment["DATABASE_URL"])
    yield connection
    await connection.close()


class OtherServices:
    """Says what orders and users would say, through an outbox and a relay of their own."""

    def __init__(self, outbox: Database) -> None:
        self._outbox = outbox

    async def say(self, event_type: str, data: dict[str, Any]) -> None:
        check_schema(event_type, data)
        plural = event_type.split(".")[0]
        source = "users" if plural == "users" else "orders"
        async with self._outbox.transaction() as connection:
            await append_event(
                connection,
                type=event_type,
                source=f"/services/{source}",
                subject=f"{plural}/{data['id']}",
                data=data,
            )


def check_schema(event_type: str, data: dict[str, Any]) -> None:
    """Hold test events to the schema of whoever says them."""
    found = [path for path in SERVICES.glob(f"*/events/{event_type}.json")]
    if found:
        schema = json.loads(found[0].read_text())
        checker = jsonschema.Draft202012Validator(
            schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        checker.validate(json.loads(json.dumps(data)))


@pytest_asyncio.fixture(scope="session")
async def others(
    service_environment: SettingsMaker, settings: ReportsSettings, worker_process: httpx.AsyncClient
) -> AsyncIterator[OtherServices]:
    url = (await service_environment("orders"))["DATABASE_URL"]
    database = Database(PostgresSettings.model_validate({"url": url}), application_name="orders-test")
    await database.open()
    await migrate(database, "orders", [])
    async with Bus(settings.rabbit, name="orders-test") as bus:
        relay = asyncio.create_task(Relay(database, bus).run())
        yield OtherServices(database)
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
    await database.close()


def moment(days: float = 0) -> str:
    return (BASE + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def new_id() -> int:
    return next(_numbers)


def user(user_id: int, name: str = "Ada Lovelace", version: int = 1) -> dict[str, Any]:
    return {
        "id": user_id,
        "name": name,
        "email": f"user{user_id}@example.com",
        "role": "user",
        "created_at": moment(-1),
        "version": version,
    }


def order(
    order_id: int, user_id: int, status: str = "pending", *, version: int = 1, days: float = 0, **changes: Any
) -> dict[str, Any]:
    items = changes.pop(
        "items",
        [
            {"product_id": 1, "sku": "TEA-1", "name": "Green tea", "quantity": 2, "unit_price": "9.99"},
            {"product_id": 2, "sku": "CUP-1", "name": "Cup", "quantity": 1, "unit_price": "5.00"},
        ],
    )
    return {
        "id": order_id,
        "user_id": user_id,
        "status": status,
        "items": items,
        "total": "24.98",
        "currency": "EUR",
        "created_at": moment(days),
        "updated_at": moment(days + (version - 1) / 24),
        "version": version,
        **changes,
    }


async def eventually(check: Callable[[], Awaitable[Any]], seconds: float = 15) -> Any:
    """What ``check`` returns once it is true."""
    end = time.monotonic() + seconds
    while True:
        found = await check()
        if found:
            return found
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.05)


async def finished(api: httpx.AsyncClient, location: str, headers: dict[str, str], seconds: float = 30) -> Any:
    async def look() -> Any:
        body = (await api.get(location, headers=headers)).json()
        return body if body["finished_at"] else None

    return await eventually(look, seconds)
