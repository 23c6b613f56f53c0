"""The role that serves reads and writes rows and changes nothing else; its owner migrates, in time or before."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.postgres import Database, ready_schema
from shared.postgres.migrations import MigrationError
from shared.postgres.privileges import UnknownTableError
from shared.settings import PostgresSettings
from shared.testing.plugin import RolesMaker
from shared.testing.servers import ServiceRoles
from shared.testing.waiting import PATIENCE_SECONDS


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "0001_diary.sql").write_text(
        "CREATE TABLE entries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL);"
        "CREATE TABLE kept (what text NOT NULL)"
    )
    (tmp_path / "privileges.toml").write_text('kept = ["SELECT", "INSERT"]\n')
    return tmp_path


@contextlib.asynccontextmanager
async def serving(roles: ServiceRoles) -> AsyncIterator[Database]:
    database = Database(settings_of(roles), application_name="serving")
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def settings_of(roles: ServiceRoles, *, owner: bool = False) -> PostgresSettings:
    return PostgresSettings.model_validate({"url": roles.serving, "owner_url": roles.owner if owner else None})


async def migrated(roles: ServiceRoles, service: str, directory: Path) -> None:
    async with serving(roles) as database:
        await ready_schema(database, settings_of(roles, owner=True), service, [directory])


async def test_the_role_that_serves_changes_rows_and_no_schema(service_roles: RolesMaker, directory: Path):
    roles = await service_roles("walled")
    await migrated(roles, "walled", directory)
    async with serving(roles) as database, database.acquire() as connection:
        await connection.execute("INSERT INTO entries (text) VALUES ('one')")
        await connection.execute("UPDATE entries SET text = 'two'")
        await connection.execute("DELETE FROM entries")
        await connection.execute("CREATE TEMPORARY TABLE staged (id int)")
        for statement in (
            "CREATE TABLE foothold (id int)",
            "CREATE FUNCTION foothold() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER TABLE entries ADD COLUMN more text",
            "DROP TABLE entries",
            "TRUNCATE entries",
            "CREATE INDEX foothold ON entries (text)",
            "CREATE TRIGGER foothold AFTER INSERT ON entries EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "CREATE SCHEMA foothold",
            "CREATE ROLE foothold",
            "SELECT rolpassword FROM pg_authid",
            "SELECT pg_read_file('/etc/hostname')",
            "COPY entries TO PROGRAM 'cat'",
            "UPDATE kept SET what = 'else'",
            "DELETE FROM kept",
            "INSERT INTO schema_migrations (name, checksum) VALUES ('users/0099_mine.sql', '')",
            "DELETE FROM schema_migrations",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.execute("INSERT INTO kept VALUES ('this')")
        assert await connection.fetchval("SELECT what FROM kept") == "this"


async def test_the_owner_is_gone_once_it_has_migrated(
    service_roles: RolesMaker, directory: Path, admin_database_url: str
):
    roles = await service_roles("parting")
    async with serving(roles) as database:
        await ready_schema(database, settings_of(roles, owner=True), "parting", [directory])
        admin = await asyncpg.connect(admin_database_url)
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parting-migrations'"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await admin.fetchval(left):
                await asyncio.sleep(0.01)
        await admin.close()


async def test_without_the_owner_a_process_waits_for_the_step(service_roles: RolesMaker, directory: Path):
    roles = await service_roles("waiting_for_step")
    async with serving(roles) as database:
        waits = asyncio.create_task(
            ready_schema(database, settings_of(roles), "waiting_for_step", [directory]), name="waits"
        )
        done, _ = await asyncio.wait([waits], timeout=0.2)
        assert not done, "there is no schema yet"
        await migrated(roles, "waiting_for_step", directory)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await waits
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM entries") == 0


async def test_a_changed_migration_ends_the_wait(service_roles: RolesMaker, directory: Path):
    roles = await service_roles("changed_for_step")
    await migrated(roles, "changed_for_step", directory)
    (directory / "0001_diary.sql").write_text("SELECT 1")
    async with serving(roles) as database:
        with pytest.raises(MigrationError, match="0001_diary"):
            await ready_schema(database, settings_of(roles), "changed_for_step", [directory])


async def test_privileges_of_no_table_are_told(service_roles: RolesMaker, directory: Path):
    (directory / "privileges.toml").write_text('kpet = ["SELECT"]\n')
    with pytest.raises(UnknownTableError, match="kpet"):
        await migrated(await service_roles("misspelled"), "misspelled", directory)


async def test_a_session_has_bounds(service_roles: RolesMaker):
    async with serving(await service_roles("bounded")) as database, database.acquire() as connection:
        assert await connection.fetchval("SHOW statement_timeout") == "10s"
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "30s"
