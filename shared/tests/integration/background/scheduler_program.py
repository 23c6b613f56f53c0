"""A process that fires schedules, and nothing else."""

import asyncio

from shared.postgres import Database
from shared.schedules import Schedule, Scheduler
from shared.settings import PostgresSettings


async def main() -> None:
    database = Database(PostgresSettings(), application_name="scheduler")
    await database.open()
    await Scheduler(database, [Schedule("yearly", "0 0 1 1 *", "UTC", "tidy", missed="once")]).run()


if __name__ == "__main__":
    asyncio.run(main())
