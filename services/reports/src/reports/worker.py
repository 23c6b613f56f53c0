"""The worker process: the relay of what reports say, the read model, and the making of reports."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from reports import clean_up, forgetting, webhook_events
from reports.delivering.deliverer import Deliverer
from reports.delivering.posting import Poster
from reports.delivering.resolving import create_resolver
from reports.events import subscriptions
from reports.files.chosen import chosen_files
from reports.jobs.forget_user import forget_job
from reports.jobs.ready_mail import ready_mail_job
from reports.jobs.render import render_job
from reports.jobs.scheduled import scheduled_job
from reports.main import MIGRATIONS, SERVICE, VERSION
from reports.rendering.warm_up import warm_up
from reports.settings import ReportsSettings
from reports.store import webhook_messages
from reports.webhook_settings import WebhookSettings
from shared.clean_ups import CleanUp
from shared.kept_secrets import SecretBox
from shared.mail import Mailer
from shared.settings import wrong_settings_in_words
from shared.web import Resources, serve
from shared.worker import create_worker


def create_application(settings: ReportsSettings) -> FastAPI:
    """Make the worker."""
    files, reports = chosen_files(settings.storage, settings.s3), settings.reports
    old_reports = partial(clean_up.delete_old_reports, files, timedelta(days=reports.keep_days))
    orphans = partial(clean_up.delete_orphans, files)
    warm_up(settings.storage.directory / ".matplotlib")
    return create_worker(
        SERVICE,
        settings,
        version=VERSION,
        migrations=[MIGRATIONS],
        subscriptions=[*subscriptions(partial(forgetting.begin, files)), *webhook_events.subscriptions()],
        job_types=[
            render_job(files, pdf_rows=reports.pdf_rows, lease_seconds=reports.lease_seconds),
            ready_mail_job(Mailer(settings.mail), public_url=settings.public.url, keep_days=reports.keep_days),
            scheduled_job(unfinished_limit=reports.unfinished_limit, files_megabytes=reports.files_megabytes),
            forget_job(files),
        ],
        clean_ups=[
            CleanUp("webhook_messages", webhook_messages.trim),
            CleanUp("reports", old_reports, cron="7 * * * *", batch=100),
            CleanUp("report_directories", orphans, cron="37 4 * * *", batch=100),
        ],
        beside=partial(_delivering, settings.webhooks),
    )


def _delivering(own: WebhookSettings, held: Resources) -> AbstractAsyncContextManager[None]:
    poster = Poster(create_resolver(own.name_server), own.reach, seconds=own.seconds, ca_file=own.ca_file)
    deliverer = Deliverer(held.database, poster, SecretBox(own.keys, "WEBHOOKS_KEY"), own.places)
    return deliverer.running(held.settings.http.drain_seconds)


def main() -> None:
    """Work until told to stop."""
    with wrong_settings_in_words(f"{SERVICE} worker"):
        settings = ReportsSettings()
        app = create_application(settings)
    serve(app, settings.http)


if __name__ == "__main__":
    main()
