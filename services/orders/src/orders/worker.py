"""The worker process: relays what the API wrote, hears of users, seeds the demo products."""

from fastapi import FastAPI

from orders.events import SUBSCRIPTIONS
from orders.import_files import ImportFiles
from orders.jobs.announce_products import announce_job
from orders.jobs.import_products import import_job
from orders.main import MIGRATIONS, SERVICE, VERSION
from orders.seeding import seed_products
from orders.settings import OrdersSettings
from shared.settings import wrong_settings_in_words
from shared.web import Resources, serve
from shared.worker import create_worker


def create_application(settings: OrdersSettings) -> FastAPI:
    """Make the worker."""
    files = ImportFiles(settings.imports.directory, most_bytes=settings.imports.most_bytes)

    async def at_start(resources: Resources) -> None:
        if settings.seed.wanted_in(settings.environment):
            await seed_products(resources.database)

    return create_worker(
        SERVICE,
        settings,
        version=VERSION,
        migrations=[MIGRATIONS],
        subscriptions=SUBSCRIPTIONS,
        job_types=[import_job(files), announce_job()],
        at_start=at_start,
    )


def main() -> None:
    """Work until a signal says stop."""
    with wrong_settings_in_words(f"{SERVICE} worker"):
        settings = OrdersSettings()
        app = create_application(settings)
    serve(app, settings.http)


if __name__ == "__main__":
    main()
