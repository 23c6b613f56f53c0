"""Plain SQL migrations that a service applies by itself, forward only, under a lock.

Files are named ``0001_what.sql`` and never change once released: expand first, contract in a later
release, so that the old and the new version run side by side (TRAPS.md, Postgres 5).
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import stamina
import structlog

from shared.postgres.database import Connection, Database
from shared.postgres.privileges import narrow_privileges, read_privileges

log = structlog.stdlib.get_logger(__name__)

SHARED_MIGRATIONS = Path(__file__).parent.parent / "migrations"
"""The tables that ``shared`` needs in each service's schema."""

_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")


class MigrationError(Exception):
    """A migration's name is wrong, or an applied one was changed afterwards."""


@dataclass(frozen=True)
class Migration:
    """One file: ``name`` is ``<set>/<file>``, unique in the schema."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL, hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(name: str, directory: Path) -> Iterator[Migration]:
    """Yield the migrations of a directory in the order of their numbers."""
    for path in sorted(directory.glob("*.sql")):
        if not _NAME.match(path.name):
            raise MigrationError(f"{path.name} is not named like 0001_what.sql")
        yield Migration(f"{name}/{path.name}", path.read_text())


def wanted_migrations(service: str, directories: Sequence[Path]) -> list[Migration]:
    """All that a service's schema needs: the shared ones first, then its own."""
    wanted = list(read_migrations("shared", SHARED_MIGRATIONS))
    for directory in directories:
        wanted += read_migrations(service, directory)
    return wanted


async def migrate(database: Database, service: str, directories: Sequence[Path]) -> list[str]:
    """Apply what is not applied yet: the shared migrations first, then the service's.

    Several instances may start at once: one applies, the others wait for its lock. Returns the
    names applied now. Raises MigrationError when an applied file was changed.
    """
    wanted = wanted_migrations(service, directories)
    privileges = read_privileges([SHARED_MIGRATIONS, *directories])
    async with database.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        await connection.execute("SELECT pg_advisory_lock(hashtextextended('migrations:' || current_schema(), 0))")
        try:
            applied = await _apply(connection, wanted)
            await narrow_privileges(connection, privileges)
            return applied
        finally:
            await connection.execute(
                "SELECT pg_advisory_unlock(hashtextextended('migrations:' || current_schema(), 0))"
            )
            await connection.execute("RESET statement_timeout")


async def _apply(connection: Connection, wanted: Sequence[Migration]) -> list[str]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations ("
        " name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    rows = await connection.fetch("SELECT name, checksum FROM schema_migrations")
    applied: dict[str, str] = {row["name"]: row["checksum"] for row in rows}
    new: list[str] = []
    for migration in wanted:
        known = applied.get(migration.name)
        if known is None:
            await _apply_one(connection, migration)
            new.append(migration.name)
        elif known != migration.checksum:
            raise MigrationError(f"{migration.name} was changed after it was applied")
    return new


async def _apply_one(connection: Connection, migration: Migration) -> None:
    # A lock that is not had within 3 s would queue every other statement behind it: give up, try again.
    async for attempt in stamina.retry_context(on=asyncpg.LockNotAvailableError, attempts=10, timeout=120):
        with attempt:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '3s'")
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)",
                    migration.name,
                    migration.checksum,
                )
    log.info("migration_applied", migration=migration.name)
