"""The worker process: relay and jobs. ``python -m users.worker``."""

from functools import partial

from fastapi import FastAPI

from shared.clean_ups import CleanUp
from shared.mail import Mailer
from shared.settings import wrong_settings_in_words
from shared.web import Resources, serve
from shared.worker import create_worker
from users.avatar_files import AvatarFiles
from users.clearing_avatars import delete_lost_uploads
from users.jobs import link_mail, notice_mail, rotate_keys, welcome_mail
from users.jobs.make_avatar import make_job
from users.jobs.remove_avatars import remove_job
from users.main import MIGRATIONS, SERVICE, VERSION
from users.seeding import seed
from users.settings import WorkerSettings
from users.store import (
    audit,
    browser_sessions,
    known_devices,
    mailed_tokens,
    oauth_codes,
    revocations,
    service_tokens,
    sessions,
)


def create_application(settings: WorkerSettings) -> FastAPI:
    """Make the worker's application, which sends mail and, in development if asked to, seeds the demo accounts."""
    files = AvatarFiles(settings.storage.directory)

    async def at_start(resources: Resources) -> None:
        if settings.seed.wanted_in(settings.environment):
            await seed(resources.database, settings.environment)

    return create_worker(
        SERVICE,
        settings,
        version=VERSION,
        migrations=[MIGRATIONS],
        job_types=[
            *(mail.job(settings.public.url) for mail in (welcome_mail, link_mail, notice_mail)),
            make_job(files),
            remove_job(files),
            rotate_keys.make_job(settings.signing),
        ],
        schedules=[rotate_keys.SCHEDULE],
        clean_ups=[
            # With the tokens of a session, of which there may be thousands.
            CleanUp("sessions", sessions.trim, batch=500),
            CleanUp("revocations", revocations.trim),
            CleanUp("known_devices", known_devices.trim, cron="47 * * * *"),
            CleanUp("audit_events", partial(audit.trim, settings.audit.keep_days), cron="37 * * * *"),
            CleanUp("service_tokens", service_tokens.trim),
            CleanUp("mailed_tokens", mailed_tokens.trim),
            CleanUp("oauth_codes", oauth_codes.trim),
            CleanUp("oauth_pending_logins", browser_sessions.trim),
            CleanUp("avatar_uploads", partial(delete_lost_uploads, files), cron="23 * * * *", batch=100),
        ],
        resources=Mailer(settings.mail),
        at_start=at_start,
    )


def main() -> None:
    """Serve until told to stop."""
    with wrong_settings_in_words(f"{SERVICE} worker"):
        settings = WorkerSettings()
        app = create_application(settings)
    serve(app, settings.http)


if __name__ == "__main__":
    main()
