"""What a worker plans by the clock, seen on an installation of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import asyncpg

from shared.clean_ups import STANDARD, clean_up_schedules
from shared.testing.servers import Servers, create_service_roles, drop_role, fresh_database, fresh_vhost
from shared.testing.waiting import eventually

OF_EVERY_SERVICE: Mapping[str, str] = {schedule.name: schedule.cron for schedule in clean_up_schedules(STANDARD)}
"""Cron expressions by name."""


@asynccontextmanager
async def own_installation(servers: Servers, service: str) -> AsyncIterator[dict[str, str]]:
    """Settings of an empty database and vhost, whose worker may do what it wants to at any time."""
    with fresh_vhost(servers) as vhost:
        async with fresh_database(servers) as database_url:
            roles = await create_service_roles(database_url, service)
            yield {"DATABASE_URL": roles.serving, "DATABASE_OWNER_URL": roles.owner, "AMQP_URL": vhost}
        for url in (roles.serving, roles.owner):
            await drop_role(servers, url)


async def planned(installation: Mapping[str, str]) -> dict[str, str]:
    """The cron expressions, by name, of what a running worker's clock starts for the code."""
    connection = await asyncpg.connect(installation["DATABASE_URL"])
    try:
        # The leader writes all of them in one transaction.
        rows = await eventually(lambda: connection.fetch("SELECT name, cron FROM schedules WHERE owner IS NULL"))
    finally:
        await connection.close()
    return {row["name"]: row["cron"] for row in rows}
