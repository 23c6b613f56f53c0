"""Places the orders of a made-up shop, and counts what came of them."""

from shared.messaging import Consumer, Event, append_event
from shared.postgres import Connection, Database
from shared.testing.waiting import eventually


async def record(connection: Connection, event: Event) -> None:
    """A handler whose effect can be counted."""
    await connection.execute("INSERT INTO effects (what) VALUES ($1)", f"{event.subject} {event.data['version']}")


class OnceAllAreInHand:
    """``record``, whose first message waits for so many: however slowly the broker delivers, the others are a batch."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.consumer: Consumer | None = None

    async def __call__(self, connection: Connection, event: Event) -> None:
        consumer = self.consumer
        assert consumer is not None
        await eventually(lambda: consumer._intake.received >= self._number)
        await record(connection, event)


async def effects(database: Database) -> list[str]:
    async with database.acquire() as connection:
        return [row["what"] for row in await connection.fetch("SELECT what FROM effects ORDER BY seen")]


async def outbox_rows(database: Database) -> int:
    async with database.acquire() as connection:
        return await connection.fetchval("SELECT count(*) FROM outbox")


async def append(connection: Connection, number: int, version: int) -> None:
    await append_event(
        connection,
        type="orders.placed.v1",
        source="/services/orders",
        subject=f"orders/{number}",
        data={"id": number, "version": version},
    )


async def place(database: Database, number: int, *, version: int = 1, event_type: str = "orders.placed.v1") -> Event:
    async with database.transaction() as connection:
        return await append_event(
            connection,
            type=event_type,
            source="/services/orders",
            subject=f"orders/{number}",
            data={"id": number, "version": version},
        )
