"""The orders API on a real socket, on a schema of its own; where it matters, in a process of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import aio_pika
import httpx
import pytest
import pytest_asyncio
from aio_pika.abc import AbstractIncomingMessage
from fastapi import FastAPI

from orders.main import create_application
from orders.settings import OrdersSettings
from orders.worker import create_application as create_worker_application
from shared.messaging import Event
from shared.postgres import Database
from shared.testing.plugin import SettingsMaker
from shared.testing.ports import handed_socket
from shared.testing.serving import running
from shared.testing.tokens import Signer
from shared.testing.waiting import PATIENCE_SECONDS

ADMIN = 1

_skus = count(1)
_users = count(1000)


@pytest_asyncio.fixture(scope="session")
async def environment(service_environment: SettingsMaker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the service's settings are read from, on this run's servers."""
    return {**await service_environment("orders"), "ORDERS_DIR": str(tmp_path_factory.mktemp("orders"))}


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> OrdersSettings:
    """The service's settings on this run's servers."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return OrdersSettings()


@pytest_asyncio.fixture(scope="session")
async def client(settings: OrdersSettings, signer: Signer) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running API."""
    async with running(create_application(settings, signer)) as client:
        yield client


@pytest_asyncio.fixture(scope="session")
async def database(settings: OrdersSettings, client: httpx.AsyncClient) -> AsyncIterator[Database]:
    """The service's database as the service sees it; the running API has migrated it."""
    assert client.base_url
    database = Database(settings.postgres, application_name="orders-tests")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def admin(signer: Signer) -> dict[str, str]:
    """Headers of an admin."""
    return signer.headers(ADMIN, role="admin")


@pytest.fixture
def user_id() -> int:
    """A user that no other test uses."""
    return next(_users)


@pytest.fixture
def user(signer: Signer, user_id: int) -> dict[str, str]:
    """Headers of that user."""
    return signer.headers(user_id)


@pytest.fixture
def stranger(signer: Signer) -> dict[str, str]:
    """Headers of somebody else."""
    return signer.headers(next(_users))


ProductMaker = Callable[..., Awaitable[dict[str, Any]]]
OrderMaker = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def make_product(client: httpx.AsyncClient, admin: dict[str, str]) -> ProductMaker:
    """Adds a product through the API."""

    async def make(**fields: Any) -> dict[str, Any]:
        body = {"sku": f"SKU-{next(_skus)}", "name": "White mug", "price": "9.99", "stock": 100, **fields}
        answer = await client.post("/api/v1/products", json=body, headers=admin)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


@pytest.fixture
def make_order(client: httpx.AsyncClient, user: dict[str, str], make_product: ProductMaker) -> OrderMaker:
    """Places an order of the user's through the API, of a new product unless one is named."""

    async def make(*, quantity: int = 1, product_id: int | None = None) -> dict[str, Any]:
        product = product_id or (await make_product())["id"]
        lines = [{"product_id": product, "quantity": quantity}]
        answer = await client.post("/api/v1/orders", json={"items": lines}, headers=user)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


@dataclass(frozen=True)
class ApiProcess:
    """The API as it runs outside of tests, ``python -m orders.main``, or the worker."""

    url: str
    process: asyncio.subprocess.Process


ProcessStarter = Callable[..., AbstractAsyncContextManager[ApiProcess]]


@pytest_asyncio.fixture(scope="session")
async def start_process(environment: dict[str, str], signer: Signer) -> AsyncIterator[ProcessStarter]:
    """Starts the API, or the worker, in a process of its own, on the same schema; ends it with SIGTERM."""
    issuer = FastAPI()

    @issuer.get("/jwks.json")
    async def jwks() -> dict[str, Any]:
        return {"keys": [signer.jwk]}

    async with running(issuer) as keys:

        @asynccontextmanager
        async def start(module: str = "orders.main", **more: str) -> AsyncIterator[ApiProcess]:
            own = {
                **os.environ,
                **environment,
                "JWKS_URL": f"{keys.base_url}/jwks.json",
                "LOG_LEVEL": "WARNING",
                **more,
            }
            with handed_socket() as handed:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", module, env=own | handed.environment, pass_fds=handed.pass_fds
                )
            try:
                await _until_ready(handed.url, process)
                yield ApiProcess(handed.url, process)
            finally:
                if process.returncode is None:
                    process.terminate()
                await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)

        yield start


@pytest_asyncio.fixture(scope="module")
async def worker(settings: OrdersSettings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The running worker, ready."""
    assert database
    async with running(create_worker_application(settings)) as worker, asyncio.timeout(PATIENCE_SECONDS):
        while (await worker.get("/health/ready")).status_code != 200:
            await asyncio.sleep(0.1)
        yield worker


@pytest_asyncio.fixture
async def heard(worker: httpx.AsyncClient, amqp_url: str) -> AsyncIterator[list[Event]]:
    """What is said of products from now on, as it comes."""
    assert worker
    async with _hearing(amqp_url, "products.changed.v1") as events:
        yield events


@pytest_asyncio.fixture
async def heard_orders(worker: httpx.AsyncClient, amqp_url: str) -> AsyncIterator[list[Event]]:
    """What is said of cancelled orders from now on."""
    assert worker
    async with _hearing(amqp_url, "orders.cancelled.v1") as events:
        yield events


@asynccontextmanager
async def _hearing(amqp_url: str, event_type: str) -> AsyncIterator[list[Event]]:
    events: list[Event] = []

    async def hear(message: AbstractIncomingMessage) -> None:
        events.append(Event.decode(message.body))

    async with await aio_pika.connect(amqp_url) as broker:
        channel = await broker.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind("events", event_type)
        await queue.consume(hear, no_ack=True)
        yield events


async def _until_ready(url: str, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(PATIENCE_SECONDS):
        while process.returncode is None:
            try:
                if (await client.get(f"{url}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise RuntimeError(f"the API ended with {process.returncode}")
