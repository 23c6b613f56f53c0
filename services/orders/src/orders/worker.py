"""The worker process: relays what the API wrote, hears of users, seeds the demo products."""

from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from orders import clean_up
from orders.events import SUBSCRIPTIONS
from orders.import_files import ImportFiles
from orders.jobs import announce_products, expire_orders, forget_customer, settle_payments
from orders.jobs.announce_products import announce_job
from orders.jobs.expire_orders import expire_job
from orders.jobs.import_products import import_job
from orders.jobs.refund_payment import refund_job
from orders.jobs.settle_payments import settle_job
from orders.main import MIGRATIONS, SERVICE, VERSION
from orders.payment_provider import SimulatedProvider
from orders.seeding import seed_products
from orders.settings import OrdersSettings
from shared.clean_ups import CleanUp
from shared.schedules import Schedule
from shared.settings import wrong_settings_in_words
from shared.web import Resources, serve
from shared.worker import create_worker

SCHEDULES = [
    Schedule(f"{job}-each-minute", "* * * * *", "UTC", job)
    for job in (expire_orders.NAME, settle_payments.NAME, announce_products.NAME)
]
"""What the clock starts; the announcing only in case that its own job was lost."""


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
        job_types=[
            import_job(files),
            announce_job(),
            expire_job(timedelta(seconds=settings.ordering.pending_expires)),
            settle_job(SimulatedProvider),
            refund_job(SimulatedProvider),
            forget_customer.JOB,
        ],
        schedules=SCHEDULES,
        clean_ups=[
            CleanUp("import_files", partial(clean_up.delete_leftover_files, files), cron="17 * * * *", batch=100)
        ],
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
