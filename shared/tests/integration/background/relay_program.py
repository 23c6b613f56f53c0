"""A relay in a process of its own that publishes and, told so, never comes to delete: to be killed there."""

import asyncio
import os
from collections.abc import Sequence

import structlog

from shared.messaging import Bus, Relay, relay_store
from shared.postgres import Connection, Database
from shared.settings import PostgresSettings, RabbitSettings


async def hang(_connection: Connection, ids: Sequence[int]) -> None:
    print(f"confirmed {len(ids)}", flush=True)
    await asyncio.Event().wait()


async def main() -> None:
    relay_store.delete_published = hang
    database = Database(PostgresSettings(url=os.environ["DATABASE_URL"]), application_name="program")
    async with Bus(RabbitSettings(url=os.environ["AMQP_URL"]), name="program") as bus:
        await Relay(database, bus).run()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=open(os.devnull, "w")))  # noqa: SIM115, PTH123
    asyncio.run(main())
