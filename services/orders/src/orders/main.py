"""The API process: ``python -m orders.main``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI

from orders.api.routers import create_routers
from orders.domain.payments import PaymentProvider
from orders.payment_provider import SimulatedProvider
from orders.resources import OrdersResources
from orders.settings import OrdersSettings
from shared.identity import KeySource
from shared.settings import wrong_settings_in_words
from shared.web import Resources, create_app, serve

SERVICE = "orders"
VERSION = version(SERVICE)
MIGRATIONS = Path(__file__).parent / "migrations"


def create_application(
    settings: OrdersSettings, keys: KeySource | None = None, provider: PaymentProvider | None = None
) -> FastAPI:
    """Make the API; ``keys`` verify tokens (by default those of ``JWKS_URL``), ``provider`` takes payments."""

    @asynccontextmanager
    async def own(_resources: Resources) -> AsyncIterator[OrdersResources]:
        yield OrdersResources(provider or SimulatedProvider())

    return create_app(
        SERVICE,
        settings,
        version=VERSION,
        migrations=[MIGRATIONS],
        routers=create_routers(),
        lifespan=own,
        keys=keys,
    )


def main() -> None:
    """Serve until a signal says stop."""
    with wrong_settings_in_words(SERVICE):
        settings = OrdersSettings()
        app = create_application(settings)
    serve(app, settings.http)


if __name__ == "__main__":
    main()
