"""The worker says what is in the outbox and hears what others say."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import httpx

from shared.messaging import Event
from shared.postgres import Database
from shared.testing.waiting import PATIENCE_SECONDS

from .test_events import check

Maker = Callable[..., Awaitable[dict[str, Any]]]


async def test_the_worker_publishes_orders_and_hears_of_users(
    worker: httpx.AsyncClient,
    database: Database,
    amqp_url: str,
    user_id: int,
    make_order: Maker,
):
    assert (await worker.get("/health/ready")).json()["status"] == "ready"
    broker = await aio_pika.connect(amqp_url)
    async with broker, asyncio.timeout(PATIENCE_SECONDS):
        channel = await broker.channel()
        exchange = await channel.get_exchange("events")
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "orders.placed.v1")
        order = await make_order()
        event = None
        while event is None or event.subject != f"orders/{order['id']}":
            message = await queue.get(fail=False, timeout=PATIENCE_SECONDS)
            if message is None:
                await asyncio.sleep(0.05)
                continue
            event = Event.decode(message.body)
            assert (message.content_type, message.routing_key) == ("application/cloudevents+json", event.type)
        check(event)

        data = {"id": user_id, "version": 1, "name": "Ada", "email": "ada@example.com", "role": "user"}
        heard = Event.new(type="users.registered.v1", source="/services/users", subject=f"users/{user_id}", data=data)
        for _ in range(2):
            message = aio_pika.Message(heard.encode(), content_type="application/cloudevents+json", message_id=heard.id)
            await exchange.publish(message, routing_key=heard.type)
        async with database.acquire() as connection:
            while not await connection.fetchval("SELECT EXISTS (SELECT FROM customers WHERE id = $1)", user_id):
                await asyncio.sleep(0.05)
