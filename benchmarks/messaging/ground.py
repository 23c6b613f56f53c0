"""Where the figures are measured: a database with the shared tables and a virtual host, made for a run and dropped."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.messaging import Bus
from shared.postgres import Database, migrate
from shared.settings import PostgresSettings, RabbitSettings
from shared.testing.servers import (
    Servers,
    create_role,
    drop_role,
    fresh_database,
    fresh_vhost,
    management,
    start_servers,
)

_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ground:
    """One service's schema and one virtual host, empty."""

    servers: Servers
    database: Database
    amqp_url: str

    @property
    def rabbit(self) -> RabbitSettings:
        """How a bus connects."""
        return RabbitSettings(url=self.amqp_url)  # pyright: ignore[reportArgumentType] - pydantic makes it a secret

    @asynccontextmanager
    async def bus(self, name: str) -> AsyncIterator[Bus]:
        """A bus that is connected."""
        async with Bus(self.rabbit, name=name) as bus:
            await bus.connected()
            yield bus

    def broker_version(self) -> str:
        """RabbitMQ's own word."""
        overview = management(self.servers, "GET", "/api/overview")
        return str(overview["rabbitmq_version"]) if isinstance(overview, dict) else "unknown"


@asynccontextmanager
async def fresh_ground() -> AsyncIterator[Ground]:
    """On the servers of ``TEST_ADMIN_DATABASE_URL`` and its like, else on the embedded ones."""
    servers = start_servers(_REPOSITORY)
    with fresh_vhost(servers) as amqp_url:
        async with fresh_database(servers) as database_url:
            role_url = await create_role(database_url, f"bench{secrets.token_hex(2)}")
            database = Database(
                PostgresSettings(url=role_url),  # pyright: ignore[reportArgumentType, reportCallIssue] - the same
                application_name="bench-messaging",
            )
            await database.open()
            await migrate(database, "bench", [])
            try:
                yield Ground(servers, database, amqp_url)
            finally:
                await database.close()
        await drop_role(servers, role_url)
