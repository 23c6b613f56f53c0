"""What is told to stop stops, at whatever point of its talk with the broker it is told."""

import asyncio
from collections.abc import Coroutine

import pytest

from shared.messaging import Bus, Consumer, Relay, Subscription
from shared.postgres import Database
from shared.testing.waiting import PATIENCE_SECONDS

from .shop import record

# From the first statement to the wait for messages, in steps shorter than an answer of the broker.
MOMENTS = [moment * 0.004 for moment in range(60)]


async def stops(work: Coroutine[object, object, None], after: float) -> bool:
    task = asyncio.create_task(work)
    await asyncio.sleep(after)
    task.cancel()
    # A worker cancels once and then waits; the second cancel only keeps a failed test from leaving it behind.
    done, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
    if not done:
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
    return bool(done)


@pytest.mark.parametrize("kind", ["consumer", "relay"])
async def test_a_cancelled_task_ends_whatever_the_library_makes_of_it(
    database: Database, bus: Bus, queue: str, kind: str
) -> None:
    def work(number: int) -> Coroutine[object, object, None]:
        subscription = Subscription(f"{queue}.{number}", ("orders.placed.v1",), record)
        return Consumer(bus, database, subscription).run() if kind == "consumer" else Relay(database, bus).run()

    stopped = [await stops(work(number), after) for number, after in enumerate(MOMENTS)]
    assert all(stopped), [after for after, ended in zip(MOMENTS, stopped, strict=True) if not ended]
