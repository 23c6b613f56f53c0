"""Waits for what happens soon, and places the orders of a made-up shop."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from shared.messaging import Event, append_event
from shared.postgres import Connection, Database

_MISSING: Any = object()


async def eventually(look: Callable[[], Any | Awaitable[Any]], expected: Any = _MISSING, *, seconds: float = 15) -> Any:
    """Wait until ``look`` gives what is expected, or anything true."""
    found: Any = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = look()
                if inspect.isawaitable(found):
                    found = await found
                if (found == expected) if expected is not _MISSING else found:
                    return found
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"after {seconds} s still {found!r}") from None


async def record(connection: Connection, event: Event) -> None:
    """A handler whose effect can be counted."""
    await connection.execute("INSERT INTO effects (what) VALUES ($1)", f"{event.subject} {event.data['version']}")


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
