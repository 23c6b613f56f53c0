"""Each schema is closed to the other roles, in the system as it really runs."""

import asyncio
import re
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest
from e2e_system import System

from local_stack.services import SERVICES


def database_url(system: System, service: str) -> str:
    """The URL that the running service was given."""
    return psutil.Process(system.pid(service)).environ()["DATABASE_URL"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_role_reads_no_schema_but_its_own(processes: System, service: str):
    async def look() -> None:
        connection = await asyncpg.connect(database_url(processes, service))
        own = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", service)
        assert own, "the service has tables"
        for other in SERVICES:
            if other == service:
                continue
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT * FROM {other}.outbox")  # noqa: S608 - names from this file
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"CREATE TABLE {other}.foothold (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE public.foothold (id int)")
        await connection.close()

    asyncio.run(look())


def test_a_process_is_given_no_user_but_its_own(processes: System):
    for process in ("gateway", *SERVICES, *(f"{service}-worker" for service in SERVICES)):
        environment = psutil.Process(processes.pid(process)).environ()
        user = process.removesuffix("-worker")
        urls = {name: urlsplit(value) for name, value in environment.items() if re.match("^(REDIS|AMQP)_URL$", name)}
        assert {url.username for url in urls.values()} == {user}
        assert set(urls) == ({"REDIS_URL"} if user == "gateway" else {"REDIS_URL", "AMQP_URL"})


def test_every_process_listens_on_the_loopback_only(processes: System):
    programs = processes.status()
    pids = {processes.pid(program["name"]) for program in programs}
    listening = [
        connection
        for connection in psutil.net_connections("tcp")
        if connection.pid in pids and connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert {connection.laddr.ip for connection in listening} <= {"127.0.0.1", "::1"}
