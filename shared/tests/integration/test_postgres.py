"""Migrations, the walls between schemas, and the pool's limits."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from shared.postgres import Database, migrate
from shared.postgres.migrations import MigrationError
from shared.settings import PostgresSettings
from shared.testing.plugin import RoleMaker
from shared.testing.waiting import PATIENCE_SECONDS


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


async def test_the_version_before_starts_on_the_schema_of_the_next(database_role: RoleMaker, tmp_path: Path):
    """While a deploy is under way, and after one that was taken back: what is not known is left alone."""
    url = await database_role("rolling")
    old, new = await open_as(url), await open_as(url)
    released = {"m0001_one": "CREATE TABLE one (id int)"}
    await migrate(old, "rolling", [write(tmp_path / "released", **released)])
    expanded = write(
        tmp_path / "next", **released, m0002_more="ALTER TABLE one ADD COLUMN more int; CREATE TABLE two ()"
    )
    assert "rolling/0002_more.sql" in await migrate(new, "rolling", [expanded])
    assert await migrate(old, "rolling", [tmp_path / "released"]) == []
    async with old.acquire() as connection:
        await connection.execute("INSERT INTO one (id) VALUES (1)")
        assert await connection.fetchval("SELECT to_regclass('two') IS NOT NULL")
    await old.close()
    await new.close()


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


async def test_outbox_5_a_migration_that_waits_for_a_lock_lets_readers_by(database_role: RoleMaker, tmp_path: Path):
    database = await open_as(await database_role("locking"))
    table = write(tmp_path / "e", m0001_one="CREATE TABLE busy (id int)")
    await migrate(database, "locking", [table])
    alter = write(tmp_path / "e", m0002_two="ALTER TABLE busy ADD COLUMN name text")
    async with database.acquire() as holder, database.acquire() as reader:
        async with holder.transaction():
            await holder.execute("SELECT * FROM busy")
            migrating = asyncio.create_task(migrate(database, "locking", [alter]))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await reader.fetchval(
                    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'busy'::regclass)"
                ):
                    await asyncio.sleep(0.01)
            # It would wait behind the migration for as long as the migration waits for the holder.
            await reader.fetch("SELECT * FROM busy", timeout=PATIENCE_SECONDS)
        assert "locking/0002_two.sql" in await migrating
    await database.close()


async def test_fastapi_4_the_database_of_a_run_was_made_for_it(database_role: RoleMaker):
    database = await open_as(await database_role("asking"))
    async with database.acquire() as connection:
        name, made = await connection.fetchrow(  # pyright: ignore[reportGeneralTypeIssues]
            "SELECT current_database(), (SELECT count(*) FROM pg_namespace WHERE nspname = 'asking')"
        )
    assert re.fullmatch("test_[0-9a-f]{12}", name)
    assert made == 1
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
    database = await open_as(await database_role("slow"), statement_seconds=0.5)
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("SELECT pg_sleep(600)")
    await database.close()


async def test_only_a_connection_on_which_a_session_may_have_been_changed_is_reset(database_role: RoleMaker):
    database = await open_as(await database_role("resetting"), min_connections=1, max_connections=1)
    seen: list[str] = []

    def resets() -> int:
        found = sum("RESET ALL" in query for query in seen)
        seen.clear()
        return found

    async with database.acquire() as connection:
        connection.add_query_logger(lambda record: seen.append(record.query))
        await connection.execute("SET lock_timeout = '7s'")
    assert resets() == 1
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL lock_timeout = '7s'")
    assert resets() == 0
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with database.transaction() as connection:
            await connection.fetchval("SELECT 1 / 0")
    assert resets() == 1
    async with database.acquire() as connection:
        assert await connection.fetchval("SHOW lock_timeout") == "0"
    assert resets() == 1
    await database.close()
