"""The whole path of an event: transaction, outbox, relay, broker, inbox, effect."""

from collections.abc import Callable

import pytest

from shared.messaging import Bus, Consumer, Relay, RelayWaker, Subscription, append_event, relay_session
from shared.postgres import Database
from shared.testing.waiting import eventually

from .shop import append, effects, outbox_rows, place, record


async def test_an_event_reaches_its_handler_soon_after_the_commit(
    database: Database, bus: Bus, background: Callable[..., object], queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay is woken: by itself it would look once in an hour."""
    monkeypatch.setattr(relay_session, "POLL_SECONDS", 3600.0)
    background(Relay(database, bus).run())
    consumer = Consumer(bus, database, Subscription(queue, ("orders.placed.v1",), record))
    background(consumer.run())
    await eventually(lambda: consumer.subscribed)
    async with RelayWaker(database).running():
        await place(database, 41)
        await eventually(lambda: effects(database), ["orders/41 1"])
        await place(database, 42)
        await eventually(lambda: effects(database), ["orders/41 1", "orders/42 1"])
    await eventually(lambda: outbox_rows(database), 0)


@pytest.mark.usefixtures("relay")
async def test_nothing_is_published_of_a_transaction_that_rolls_back(
    database: Database, bus: Bus, background: Callable[..., object], queue: str
) -> None:
    consumer = Consumer(bus, database, Subscription(queue, ("orders.placed.v1",), record))
    background(consumer.run())
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append(connection, 1, 1)
        await transaction.rollback()
    await place(database, 2)
    await eventually(lambda: effects(database), ["orders/2 1"])


async def test_the_outbox_refuses_to_be_written_outside_of_a_transaction(database: Database) -> None:
    async with database.acquire() as connection:
        with pytest.raises(RuntimeError, match="transaction"):
            await append_event(connection, type="orders.placed.v1", source="/s", subject="orders/1", data={})
