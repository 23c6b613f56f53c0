"""A process that does nothing but deliver, for a test to kill."""

import asyncio

from reports.delivering.deliverer import Deliverer
from reports.delivering.posting import Poster
from reports.delivering.resolving import create_resolver
from reports.settings import ReportsSettings
from shared.kept_secrets import SecretBox
from shared.postgres import Database


def deliverer(settings: ReportsSettings, database: Database) -> Deliverer:
    own = settings.webhooks
    poster = Poster(create_resolver(own.name_server), own.reach, seconds=own.seconds, ca_file=own.ca_file)
    return Deliverer(database, poster, SecretBox(own.keys, "WEBHOOKS_KEY"), own.places)


async def main() -> None:
    settings = ReportsSettings()
    database = Database(settings.postgres, application_name="webhook-program")
    await database.open()
    async with deliverer(settings, database).running(1):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
