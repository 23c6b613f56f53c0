"""The job that tells of what imports wrote, in small pieces and only as fast as the relay publishes.

Of a million products at once in the outbox the next order's event would wait for all.
"""

import asyncio
from datetime import timedelta

from pydantic import BaseModel

from orders import events
from orders.store import unannounced
from shared.jobs import JobContext, JobType, enqueue
from shared.postgres import Connection

NAME = "orders.announce-products"

PIECE = 500
MOST_WAITING = 2_000
"""Messages in the outbox above which nothing is added: what an order's event finds in front of it at most."""

_PAUSE_SECONDS = 0.05


class AnnounceProducts(BaseModel):
    """All that is not told yet."""


async def enqueue_announcing(connection: Connection) -> None:
    """Have told, after the caller's commit, what is in ``unannounced_products`` by then."""
    await enqueue(connection, NAME, AnnounceProducts())


def announce_job() -> JobType[AnnounceProducts]:
    """The job type. It tries again for days: what was imported has to be told.

    One at a time in a worker: while the broker is away it waits, and those that the clock adds each minute
    would take the places of all other work.
    """
    return JobType(
        NAME,
        _handle,
        payload=AnnounceProducts,
        lease=timedelta(seconds=15),
        max_attempts=1_000,
        timeout=timedelta(hours=12),
        concurrency=1,
    )


async def _handle(context: JobContext, _payload: AnnounceProducts) -> None:
    told = 0
    while True:
        await context.check_cancelled()
        async with context.database.transaction() as connection:
            if await unannounced.count_waiting_events(connection, MOST_WAITING) < MOST_WAITING:
                products = await unannounced.take(connection, PIECE)
                await events.say_products(connection, products)
                told += len(products)
                more = bool(products) or await unannounced.some(connection)
            else:
                products, more = [], True
        if not more:
            return
        if products:
            await context.progress(0, f"{told} products told of")
        else:
            await asyncio.sleep(_PAUSE_SECONDS)
