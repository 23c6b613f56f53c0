"""The orders API on a real socket, on a schema of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio

from orders.main import create_application
from orders.settings import OrdersSettings
from shared.postgres import Database
from shared.testing.plugin import SettingsMaker
from shared.testing.serving import running
from shared.testing.tokens import Signer

ADMIN = 1

_skus = count(1)
_users = count(1000)


@pytest_asyncio.fixture(scope="session")
async def settings(service_environment: SettingsMaker) -> OrdersSettings:
    """The service's settings on this run's servers."""
    environment = await service_environment("orders")
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
