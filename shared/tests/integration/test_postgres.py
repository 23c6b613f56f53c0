"""Migrations, the walls between schemas, and the pool's limits."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from shared.postgres import Database, migrate
from shared.postgres.migrations import MigrationError
from shared.settings import PostgresSettings
from shared.testing.plugin import RoleMaker


async def open_as(url: str, **settings: float) -> Database:
    database = Database(PostgresSettings(url=url, **settings), application_name="test")  # pyright: ignore[reportArgumentType]
    await database.open()
    return database


def write(directory: Path, **files: str) -> Path:
    directory.mkdir(exist_ok=True)
    for name, sql in files.items():
        (directory / f"{name.removeprefix('m')}.sql").write_text(sql)
    return directory


async def test_many_instances_migrate_once(database_role: RoleMaker, tmp_path: Path):
    directory = write(tmp_path / "a", m0001_one="CREATE TABLE one (id int)", m0002_two="CREATE TABLE two (id int)")
    url = await database_role("migrating")
    databases = await asyncio.gather(*(open_as(url) for _ in range(4)))
    applied = await asyncio.gather(*(migrate(database, "migrating", [directory]) for database in databases))
    names = [name for instance in applied for name in instance if name.startswith("migrating/")]
    assert names == ["migrating/0001_one.sql", "migrating/0002_two.sql"]
    for database in databases:
        await database.close()


async def test_a_migration_that_changed_after_it_was_applied_is_refused(database_role: RoleMaker, tmp_path: Path):
    database = await open_as(await database_role("changing"))
    await migrate(database, "changing", [write(tmp_path / "b", m0001_one="CREATE TABLE one (id int)")])
    with pytest.raises(MigrationError, match="0001_one"):
        await migrate(database, "changing", [write(tmp_path / "b", m0001_one="CREATE TABLE one (id bigint)")])
    await database.close()


async def test_a_migration_that_fails_leaves_nothing(database_role: RoleMaker, tmp_path: Path):
    database = await open_as(await database_role("failing"))
    directory = write(tmp_path / "c", m0001_one="CREATE TABLE half (id int); SELECT 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database, "failing", [directory])
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT to_regclass('half')") is None
    await database.close()


async def test_a_name_out_of_form_is_refused(database_role: RoleMaker, tmp_path: Path):
    database = await open_as(await database_role("naming"))
    with pytest.raises(MigrationError, match="not named like"):
        await migrate(database, "naming", [write(tmp_path / "d", first="SELECT 1")])
    await database.close()


async def test_no_role_reads_another_schema(database_role: RoleMaker):
    mine, other = await open_as(await database_role("mine")), await open_as(await database_role("other"))
    async with mine.acquire() as connection:
        await connection.execute("CREATE TABLE secrets (id int)")
    async with other.acquire() as connection:
        for statement in ("SELECT * FROM mine.secrets", "CREATE TABLE mine.foothold (id int)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    await mine.close()
    await other.close()


async def test_forwarding_14_waiting_for_the_pool_has_a_limit_of_its_own(database_role: RoleMaker):
    database = await open_as(await database_role("waiting"), min_connections=1, max_connections=1, acquire_seconds=0.05)
    async with database.acquire():
        with pytest.raises(TimeoutError):
            async with database.acquire():
                pass
    await database.close()


async def test_a_statement_that_runs_too_long_is_ended(database_role: RoleMaker):
    database = await open_as(await database_role("slow"), statement_seconds=0.1)
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("SELECT pg_sleep(5)")
    await database.close()
