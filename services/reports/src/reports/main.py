"""The API process: ``python -m reports.main``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI

from reports.api.routers import create_routers
from reports.delivering.resolving import create_resolver
from reports.files.chosen import chosen_files
from reports.resources import ReportsResources
from reports.settings import ReportsSettings
from reports.webhooks import Rules
from shared.identity import KeySource
from shared.kept_secrets import SecretBox
from shared.settings import wrong_settings_in_words
from shared.web import Resources, create_app, serve

SERVICE = "reports"
VERSION = version(SERVICE)
MIGRATIONS = Path(__file__).parent / "migrations"


def create_application(settings: ReportsSettings, keys: KeySource | None = None) -> FastAPI:
    """Make the API. ``keys`` verify tokens, by default those of ``JWKS_URL``."""
    files = chosen_files(settings.storage, settings.s3)
    own = settings.webhooks
    box = SecretBox(own.keys, "WEBHOOKS_KEY")
    webhooks = Rules(own.limit, own.overlap_hours, own.reach, create_resolver(own.name_server), box)

    @asynccontextmanager
    async def lifespan(_: Resources) -> AsyncIterator[ReportsResources]:
        yield ReportsResources(
            files,
            settings.reports.unfinished_limit,
            webhooks,
            settings.reports.schedules_limit,
            settings.reports.files_megabytes,
        )

    async def usable(_: Resources) -> bool:
        return await files.usable()

    return create_app(
        SERVICE,
        settings,
        version=VERSION,
        migrations=[MIGRATIONS],
        routers=create_routers(),
        lifespan=lifespan,
        keys=keys,
        checks={"files": usable},
    )


def main() -> None:
    """Serve until told to stop."""
    with wrong_settings_in_words(SERVICE):
        settings = ReportsSettings()
        app = create_application(settings)
    serve(app, settings.http)


if __name__ == "__main__":
    main()
