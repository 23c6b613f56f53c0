"""The API process: ``python -m orders.main``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI

from orders.api.routers import create_file_routers, create_routers
from orders.domain.payments import PaymentProvider
from orders.import_files import ImportFiles
from orders.payment_provider import SimulatedProvider
from orders.resources import ImportResources, OrdersResources
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
    files = ImportFiles(settings.imports.directory, most_bytes=settings.imports.most_bytes)

    @asynccontextmanager
    async def own(resources: Resources) -> AsyncIterator[OrdersResources]:
        imports = ImportResources(files, settings.imports.unfinished_limit)
        yield OrdersResources(provider or SimulatedProvider(resources.database), imports)

    async def usable(_: Resources) -> bool:
        return await asyncio.to_thread(files.usable)

    return create_app(
        SERVICE,
        settings,
        version=VERSION,
        migrations=[MIGRATIONS],
        routers=create_routers(),
        bare_routers=create_file_routers(),
        lifespan=own,
        keys=keys,
        checks={"files": usable},
    )


def main() -> None:
    """Serve until a signal says stop."""
    with wrong_settings_in_words(SERVICE):
        settings = OrdersSettings()
        app = create_application(settings)
    serve(app, settings.http)


if __name__ == "__main__":
    main()
