"""The embedded servers: real ones, in a folder of the test's own."""

import asyncio
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from local_stack import background, control, embedded, server_commands
from local_stack.errors import LocalStackError
from local_stack.ports import free_port
from local_stack.servers.roles import apply_roles
from local_stack.services import SERVICES
from local_stack.state import REPOSITORY, State


async def test_each_service_has_its_schema_and_sees_no_other(state: State):
    servers = embedded.servers(state, {})
    for service in SERVICES:
        connection = await asyncpg.connect(servers.database_url(service))
        try:
            assert await connection.fetchval("SELECT current_schema()") == service
            for other in {*SERVICES, "public"}:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"CREATE TABLE {other}.theirs (id int)")
        finally:
            await connection.close()


async def test_what_the_owner_makes_the_service_uses_and_cannot_change(state: State):
    servers = embedded.servers(state, {})
    for service in SERVICES:
        owner = await asyncpg.connect(servers.owner_database_url(service))
        await owner.execute("CREATE TABLE mine (id bigserial)")
        connection = await asyncpg.connect(servers.database_url(service))
        await connection.execute("INSERT INTO mine DEFAULT VALUES")
        assert await connection.fetchval("SELECT last_value FROM mine_id_seq") == 1
        for statement in ("DROP TABLE mine", "TRUNCATE mine", "ALTER TABLE mine ADD more int", "SET ROLE users_owner"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        assert await connection.fetchval("SHOW statement_timeout") == "1min"
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "1min"
        await connection.close()
        await owner.execute("DROP TABLE mine")
        await owner.close()


async def test_a_schema_of_the_time_before_owners_is_handed_over_with_its_data(state: State):
    servers = embedded.servers(state, {})
    admin = await asyncpg.connect(servers.admin_database_url)
    await admin.execute(
        "REASSIGN OWNED BY users_owner TO users; ALTER SCHEMA users OWNER TO users;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE users_owner IN SCHEMA users REVOKE ALL ON TABLES FROM users;"
        "SET ROLE users; CREATE TABLE users.old (id int, n bigserial); INSERT INTO users.old VALUES (7);"
        "CREATE FUNCTION users.old() RETURNS int LANGUAGE sql AS 'SELECT 7'; RESET ROLE"
    )
    await apply_roles(servers.admin_database_url, servers.role_passwords)
    owned = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'users.old'::regclass"
    assert await admin.fetchval(owned) == "users_owner"
    connection = await asyncpg.connect(servers.database_url("users"))
    assert await connection.fetchval("UPDATE old SET id = id + old() RETURNING id") == 14
    # The relay reads where the outbox's sequence is.
    assert await connection.fetchval("SELECT last_value FROM old_n_seq") == 1
    for statement in ("DROP TABLE old", "DROP FUNCTION old()", "CREATE TABLE mine (id int)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()
    await admin.execute("DROP TABLE users.old; DROP FUNCTION users.old()")
    await admin.close()


async def test_the_roles_script_runs_again_and_at_the_same_time(state: State):
    servers = embedded.servers(state, {})
    await asyncio.gather(*(apply_roles(servers.admin_database_url, servers.role_passwords) for _ in range(5)))
    await (await asyncpg.connect(servers.database_url("users"))).close()


async def test_the_roles_script_refuses_to_make_a_role_without_password(state: State):
    servers = embedded.servers(state, {})
    with pytest.raises(asyncpg.PostgresError, match=r"gatehouse\.users_password is not set"):
        await apply_roles(servers.admin_database_url, {})
    admin = await asyncpg.connect(servers.admin_database_url)
    with pytest.raises(asyncpg.PostgresError, match=r"gatehouse\.services is not set"):
        await admin.execute((REPOSITORY / "deploy" / "postgres" / "roles.sql").read_text())
    await admin.close()


async def test_a_wrong_password_is_refused(state: State):
    parts = urlsplit(embedded.servers(state, {}).admin_database_url)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(parts._replace(netloc=f"postgres:wrong@{parts.hostname}:{parts.port}").geturl())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must not be what Postgres runs as")
def test_postgres_does_not_run_as_root(state: State):
    programs = {program["name"]: program for program in control.ask(state, "status")["programs"]}
    assert psutil.Process(programs["postgres"]["pid"]).uids().real == 65534


async def test_after_a_killed_supervisor_up_recovers_with_the_data(state: State):
    servers = embedded.servers(state, {})
    connection = await asyncpg.connect(servers.owner_database_url("orders"))
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    await connection.close()
    left = {program["name"]: program["pid"] for program in control.ask(state, "status")["programs"]}

    os.kill(control.facts_of(state)["pid"], signal.SIGKILL)
    await asyncio.to_thread(server_commands.up, state)

    now = {program["name"]: program["pid"] for program in control.ask(state, "status")["programs"]}
    assert set(now) == set(left)
    assert not set(now.values()) & set(left.values())
    assert not any(psutil.pid_exists(pid) for pid in left.values())
    assert background.is_running(state)
    connection = await asyncpg.connect(embedded.servers(state, {}).database_url("orders"))
    assert await connection.fetchval("SELECT answer FROM kept") == 42
    await connection.close()


async def test_given_servers_are_used_and_not_started(state: State, tmp_path: Path):
    given = embedded.servers(state, {})
    environment = {
        "DATABASE_URL": given.admin_database_url,
        "REDIS_URL": given.redis_url,
        "AMQP_URL": given.amqp_url,
    }
    other = State(tmp_path)
    await asyncio.to_thread(embedded.prepare, other, environment, print)
    assert embedded.programs(other, environment, durable=True) == []
    connection = await asyncpg.connect(embedded.servers(other, environment).database_url("reports"))
    assert await connection.fetchval("SELECT current_schema()") == "reports"
    await connection.close()
    # The roles have the passwords of the other state now.
    await apply_roles(given.admin_database_url, given.role_passwords)


async def test_a_given_database_that_does_not_answer_is_one_clear_error(tmp_path: Path):
    environment = {"DATABASE_URL": f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"}
    with pytest.raises(LocalStackError, match="DATABASE_URL must name a superuser"):
        await asyncio.to_thread(embedded.prepare, State(tmp_path), environment, print)
