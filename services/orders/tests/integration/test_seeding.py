"""The demo products: once, announced, and only in development."""

import pytest
import pytest_asyncio

from orders.seeding import DEMO_PRODUCTS, seed_products
from orders.settings import OrdersSettings
from orders.worker import create_application
from shared.postgres import Database
from shared.settings import Environment, SeedSettings
from shared.testing.serving import running


@pytest_asyncio.fixture
async def unseeded(database: Database) -> None:
    """As before the first start, whatever ran before: products of that name are others."""
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM seeds")
        await connection.execute(
            "UPDATE products SET sku = sku || '-' || id WHERE sku = ANY ($1)",
            [product.sku for product in DEMO_PRODUCTS],
        )


@pytest.mark.usefixtures("unseeded")
async def test_twelve_products_once_even_when_one_was_deleted_since(database: Database):
    skus = [product.sku for product in DEMO_PRODUCTS]
    assert len(set(skus)) == 12
    assert min(product.stock for product in DEMO_PRODUCTS) >= 100
    await seed_products(database)
    async with database.transaction() as connection:
        told = await connection.fetchval(
            "SELECT count(*) FROM outbox JOIN products ON subject = 'products/' || products.id WHERE sku = ANY ($1)",
            skus,
        )
        await connection.execute("UPDATE products SET deleted_at = now() WHERE sku = $1", skus[0])
    await seed_products(database)
    async with database.acquire() as connection:
        rows = await connection.fetch(
            "SELECT sku, deleted_at IS NULL AS listed FROM products WHERE sku = ANY ($1)", skus
        )
    assert told == 12
    assert sorted(row["sku"] for row in rows) == sorted(skus)
    assert [row["sku"] for row in rows if not row["listed"]] == skus[:1]


@pytest.mark.usefixtures("unseeded")
async def test_the_worker_seeds_when_it_starts(settings: OrdersSettings, database: Database):
    skus = [product.sku for product in DEMO_PRODUCTS]
    wanted = settings.model_copy(update={"environment": Environment.DEVELOPMENT, "seed": SeedSettings(demo_data=True)})
    async with running(create_application(wanted)), database.acquire() as connection:
        listed = await connection.fetchval(
            "SELECT count(*) FROM products WHERE sku = ANY ($1) AND deleted_at IS NULL", skus
        )
    assert listed == 12


@pytest.mark.parametrize(
    ("environment", "demo_data", "wanted"),
    [
        (Environment.DEVELOPMENT, True, True),
        (Environment.DEVELOPMENT, False, False),
        (Environment.PRODUCTION, True, False),
        (Environment.TEST, True, False),
    ],
)
def test_only_in_development_and_only_when_wanted(*, environment: Environment, demo_data: bool, wanted: bool):
    assert SeedSettings(demo_data=demo_data).wanted_in(environment) is wanted
