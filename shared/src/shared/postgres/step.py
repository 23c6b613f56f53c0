"""The migration step as a program: what ``python -m <service>.migrate`` runs before the release starts."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from shared.logs import configure_logs
from shared.postgres.migrations import MigrationError
from shared.postgres.privileges import UnknownTableError
from shared.postgres.schema import run_step
from shared.settings import MigrationSettings, wrong_settings_in_words


def migrate_and_exit(service: str, directories: Sequence[Path]) -> None:
    """Apply what is missing as ``DATABASE_OWNER_URL`` and return; SystemExit says in words what is wrong."""
    process = f"{service} migrations"
    with wrong_settings_in_words(process):
        settings = MigrationSettings()  # pyright: ignore[reportCallIssue] - read from the environment
    configure_logs(service, settings.log_level)
    try:
        asyncio.run(run_step(settings, service, directories))
    except (MigrationError, UnknownTableError) as error:
        raise SystemExit(f"{process}: {error}") from None
