"""The worker process: the relay of what reports say, the read model, and the making of reports."""

from functools import partial

from fastapi import FastAPI

from reports import reporting
from reports.events import subscriptions
from reports.files import ReportFiles
from reports.jobs.render import render_job
from reports.main import MIGRATIONS, SERVICE, VERSION
from reports.rendering.warm_up import warm_up
from reports.settings import ReportsSettings
from shared.settings import wrong_settings_in_words
from shared.web import serve
from shared.worker import create_worker


def create_application(settings: ReportsSettings) -> FastAPI:
    """Make the worker."""
    files = ReportFiles(settings.storage.directory)
    warm_up(settings.storage.directory / ".matplotlib")
    return create_worker(
        SERVICE,
        settings,
        version=VERSION,
        migrations=[MIGRATIONS],
        subscriptions=subscriptions(partial(reporting.delete_all_of, files)),
        job_types=[render_job(files, pdf_rows=settings.reports.pdf_rows)],
    )


def main() -> None:
    """Work until told to stop."""
    with wrong_settings_in_words(f"{SERVICE} worker"):
        settings = ReportsSettings()
        app = create_application(settings)
    serve(app, settings.http)


if __name__ == "__main__":
    main()
