"""The embedded servers that the tests run on, and places of a test run's own on them."""

import json
import os
import secrets
import shlex
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from redis.asyncio import Redis

from shared.testing.waiting import PATIENCE_SECONDS

_REDIS_DATABASES = 16
_LEASE_SECONDS = 3600


@dataclass(frozen=True)
class Servers:
    """Administrative URLs of Postgres, Redis and RabbitMQ."""

    postgres: str
    redis: str
    rabbitmq: str
    rabbitmq_management: str


def start_servers(repository: Path) -> Servers:
    """The servers of the environment (``TEST_ADMIN_DATABASE_URL`` ...), else the embedded ones, started if need be."""
    values = {name.removeprefix("TEST_"): value for name, value in os.environ.items() if name.startswith("TEST_")}
    if "ADMIN_DATABASE_URL" not in values:
        state = str(repository / ".state" / "test")
        subprocess.run([sys.executable, "-m", "local_stack", "servers", "up", "--state", state], check=True)  # noqa: S603 - our own command
        printed = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "local_stack", "servers", "env", "--state", state],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        words = [word.removeprefix("export ") for word in shlex.split(printed) if "=" in word]
        values = dict(word.split("=", 1) for word in words)
    return Servers(
        postgres=values["ADMIN_DATABASE_URL"],
        redis=values["REDIS_URL"],
        rabbitmq=values["AMQP_URL"],
        rabbitmq_management=values["RABBITMQ_MANAGEMENT_URL"],
    )


def at_database(url: str, database: str, *, user: str = "", password: str = "") -> str:
    """The same server, another database, and another role where one is named."""
    parts = urlsplit(url)
    host = f"{parts.hostname}:{parts.port}"
    credentials = f"{user}:{password}" if user else parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{credentials}@{host}", path=f"/{database}"))


@asynccontextmanager
async def fresh_database(servers: Servers) -> AsyncIterator[str]:
    """A database made for this run alone (TRAPS.md, FastAPI 4); its administrative URL."""
    name = f"test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(servers.postgres)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        yield at_database(servers.postgres, name)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def create_role(database_url: str, service: str) -> str:
    """A role of this run with a schema of its own, as ``deploy/postgres/roles.sql`` makes them; its URL.

    Roles belong to the whole server, so the name carries a random part.
    """
    role, password = f"{service}_{secrets.token_hex(4)}", secrets.token_hex(12)
    admin = await asyncpg.connect(database_url)
    try:
        await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        await admin.execute(f"CREATE SCHEMA {service} AUTHORIZATION {role}")
        await admin.execute(f"ALTER ROLE {role} SET search_path = {service}")
    finally:
        await admin.close()
    return at_database(database_url, urlsplit(database_url).path.lstrip("/"), user=role, password=password)


@dataclass(frozen=True)
class ServiceRoles:
    """URLs of a service's two roles."""

    serving: str
    owner: str


async def create_service_roles(database_url: str, service: str) -> ServiceRoles:
    """A schema, its owner, and beside it the role that serves, with what ``deploy/postgres/roles.sql`` grants it."""
    owner_url = await create_role(database_url, service)
    owner = urlsplit(owner_url).username
    serving, password = f"{service}_{secrets.token_hex(4)}", secrets.token_hex(12)
    admin = await asyncpg.connect(database_url)
    try:
        await admin.execute(
            f"CREATE ROLE {serving} LOGIN PASSWORD '{password}';"
            f"ALTER ROLE {serving} SET search_path = {service};"
            f"GRANT USAGE ON SCHEMA {service} TO {serving};"
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {service}"
            f" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {serving};"
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {service}"
            f" GRANT USAGE, SELECT ON SEQUENCES TO {serving}"
        )
    finally:
        await admin.close()
    database = urlsplit(database_url).path.lstrip("/")
    return ServiceRoles(at_database(database_url, database, user=serving, password=password), owner_url)


async def drop_role(servers: Servers, role_url: str) -> None:
    """Remove the role of a run once its database is gone."""
    admin = await asyncpg.connect(servers.postgres)
    await admin.execute(f"DROP ROLE IF EXISTS {urlsplit(role_url).username}")
    await admin.close()


@contextmanager
def fresh_vhost(servers: Servers) -> Iterator[str]:
    """A RabbitMQ virtual host made for this run alone; its AMQP URL."""
    name = f"test-{secrets.token_hex(6)}"
    user = urlsplit(servers.rabbitmq).username
    management(servers, "PUT", f"/api/vhosts/{name}")
    try:
        management(
            servers,
            "PUT",
            f"/api/permissions/{name}/{user}",
            {"configure": ".*", "write": ".*", "read": ".*"},
        )
        yield urlunsplit(urlsplit(servers.rabbitmq)._replace(path=f"/{name}"))
    finally:
        management(servers, "DELETE", f"/api/vhosts/{name}")


def management(servers: Servers, method: str, path: str, body: object = None) -> object:
    """Call RabbitMQ's management API; the decoded answer, None when it is empty."""
    parts = urlsplit(servers.rabbitmq_management)
    credentials = b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the scheme is ours
        urlunsplit(parts._replace(netloc=f"{parts.hostname}:{parts.port}", path=path)),
        method=method,
        data=json.dumps(body or {}).encode(),
        headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - the same
        content = answer.read()
    return json.loads(content) if content else None


@asynccontextmanager
async def fresh_redis(servers: Servers) -> AsyncIterator[str]:
    """One of the server's numbered databases, emptied, that no other run uses; its URL.

    A lease in database 0 holds it: a run that is killed leaves it for an hour at most.
    """
    base = servers.redis.rsplit("/", 1)[0] if urlsplit(servers.redis).path else servers.redis
    leases, owner = Redis.from_url(f"{base}/0"), secrets.token_hex(8)
    try:
        for number in range(1, _REDIS_DATABASES):
            if await leases.set(f"test:database:{number}", owner, nx=True, ex=_LEASE_SECONDS):
                break
        else:
            raise RuntimeError("every database of the test Redis is leased to a run: wait, or restart the test servers")
        redis = Redis.from_url(f"{base}/{number}")
        await redis.flushdb()
        await redis.aclose()
        try:
            yield f"{base}/{number}"
        finally:
            if await leases.get(f"test:database:{number}") == owner.encode():
                await leases.delete(f"test:database:{number}")
    finally:
        await leases.aclose()
