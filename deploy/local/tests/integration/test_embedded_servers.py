"""The embedded servers: real ones, in a folder of the test's own."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from local_stack import background, control, embedded, orphans, server_commands
from local_stack.errors import LocalStackError
from local_stack.ports import free_port
from local_stack.servers.roles import SERVICES, apply_roles
from local_stack.servers.unprivileged import remove_home
from local_stack.state import State


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    state = State(tmp_path_factory.mktemp("state"))
    given = {name: os.environ.pop(name, "") for name in ("DATABASE_URL", "REDIS_URL", "AMQP_URL")}
    server_commands.up(state)
    yield state
    server_commands.down(state)
    os.environ.update({name: value for name, value in given.items() if value})
    assert orphans.find(state) == {}
    remove_home(state, "postgres")


async def test_each_service_has_its_schema_and_sees_no_other(state: State):
    servers = embedded.servers(state, {})
    for service in SERVICES:
        connection = await asyncpg.connect(servers.database_url(service))
        try:
            assert await connection.fetchval("SELECT current_schema()") == service
            await connection.execute("CREATE TABLE IF NOT EXISTS mine (id int)")
            for other in {*SERVICES, "public"} - {service}:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"CREATE TABLE {other}.theirs (id int)")
        finally:
            await connection.close()


async def test_the_roles_script_runs_again_and_at_the_same_time(state: State):
    servers = embedded.servers(state, {})
    await asyncio.gather(*(apply_roles(servers.admin_database_url, servers.role_passwords) for _ in range(5)))
    await (await asyncpg.connect(servers.database_url("users"))).close()


async def test_the_roles_script_refuses_to_make_a_role_without_password(state: State):
    servers = embedded.servers(state, {})
    with pytest.raises(asyncpg.PostgresError, match=r"gatehouse\.users_password is not set"):
        await apply_roles(servers.admin_database_url, {})


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
    connection = await asyncpg.connect(servers.database_url("orders"))
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


async def test_a_given_database_that_does_not_answer_is_one_clear_error(tmp_path: Path):
    environment = {"DATABASE_URL": f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"}
    with pytest.raises(LocalStackError, match="DATABASE_URL must name a superuser"):
        await asyncio.to_thread(embedded.prepare, State(tmp_path), environment, print)
