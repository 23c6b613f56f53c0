"""The committed AsyncAPI document: ``python -m reports.asyncapi [--check]``. Needs no environment."""

from pathlib import Path

from reports import webhook_events
from reports.events import subscriptions
from reports.main import SERVICE, VERSION
from shared.contracts.committed import main
from shared.postgres import Connection


async def _never(_connection: Connection, _user_id: int) -> None:
    raise NotImplementedError("the document runs no handler")


if __name__ == "__main__":
    main(SERVICE, VERSION, [*subscriptions(_never), *webhook_events.subscriptions()], Path(__file__).parents[2])
