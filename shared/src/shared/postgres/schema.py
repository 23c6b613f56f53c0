"""Brings the schema to the release that starts: as its owner, who is not the role that serves (docs/adr/0032)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog
from pydantic import SecretStr

from shared.postgres.database import Connection, Database
from shared.postgres.migrations import Migration, MigrationError, migrate, wanted_migrations
from shared.settings import MigrationSettings, PostgresSettings

log = structlog.stdlib.get_logger(__name__)

_LOOK_SECONDS = 0.5
_MAY_CREATE = "SELECT has_schema_privilege(current_schema(), 'CREATE')"


async def ready_schema(
    database: Database, settings: PostgresSettings, service: str, directories: Sequence[Path]
) -> None:
    """Return when the schema has every migration of this release.

    With ``DATABASE_OWNER_URL`` they are applied now, over a connection of the owner's that is closed again. Without,
    a role that owns its schema applies them itself, and one that may not change it waits for the migration step.
    Raises MigrationError when an applied file was changed.
    """
    if settings.owner_url is not None:
        await _migrate_as_owner(settings.owner_url, service, directories)
        return
    async with database.acquire() as connection:
        own = await connection.fetchval(_MAY_CREATE)
    if own:
        await migrate(database, service, directories)
    else:
        await _wait_for_the_step(database, wanted_migrations(service, directories))


async def run_step(settings: MigrationSettings, service: str, directories: Sequence[Path]) -> None:
    """The migration step of a deployment, for ``python -m <service>.migrate``. Raises MigrationError."""
    applied = await _migrate_as_owner(settings.owner_url, service, directories)
    log.info("schema_ready", applied=len(applied))


async def _migrate_as_owner(url: SecretStr, service: str, directories: Sequence[Path]) -> list[str]:
    settings = PostgresSettings(url=url, min_connections=1, max_connections=1)
    owner = Database(settings, application_name=f"{service}-migrations")
    await owner.open()
    try:
        return await migrate(owner, service, directories)
    finally:
        await owner.close()


async def _wait_for_the_step(database: Database, wanted: Sequence[Migration]) -> None:
    told = False
    while missing := await _missing(database, wanted):
        if not told:
            log.warning("migrations_awaited", missing=missing, by="the migration step, which has DATABASE_OWNER_URL")
            told = True
        await asyncio.sleep(_LOOK_SECONDS)


async def _missing(database: Database, wanted: Sequence[Migration]) -> list[str]:
    async with database.acquire() as connection:
        applied = await _applied(connection)
    changed = [one.name for one in wanted if applied.get(one.name, one.checksum) != one.checksum]
    if changed:
        raise MigrationError(f"{changed[0]} was changed after it was applied")
    return [one.name for one in wanted if one.name not in applied]


async def _applied(connection: Connection) -> dict[str, str]:
    if await connection.fetchval("SELECT to_regclass('schema_migrations') IS NULL"):
        return {}
    return {row["name"]: row["checksum"] for row in await connection.fetch("SELECT * FROM schema_migrations")}
