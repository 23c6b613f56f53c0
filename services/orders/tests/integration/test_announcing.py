"""Telling of imported products, while the broker takes nothing."""

from uuid import UUID

import httpx

from orders.jobs import announce_products, expire_orders
from orders.jobs.announce_products import MOST_WAITING, AnnounceProducts
from orders.jobs.expire_orders import ExpireOrders
from shared.jobs import enqueue, find_job
from shared.postgres import Database
from shared.testing.waiting import eventually

_HOLD = """
    INSERT INTO outbox (message_id, exchange, routing_key, subject, content_type, body, retry_at)
    SELECT gen_random_uuid(), '', 'nowhere', 'held/' || number, 'text/plain', '', now() + interval '1 hour'
    FROM generate_series(1, $1) AS number
"""
_RUNNING = "SELECT count(*) FROM jobs WHERE type = $1 AND status = 'running'"


async def test_announcings_that_wait_for_the_broker_leave_room_for_other_jobs(
    worker: httpx.AsyncClient, database: Database
):
    assert worker
    async with database.transaction() as connection:
        await connection.execute(_HOLD, MOST_WAITING)
        await connection.execute("INSERT INTO unannounced_products (product_id, version) VALUES (0, 1)")
        waiting = [await enqueue(connection, announce_products.NAME, AnnounceProducts()) for _ in range(8)]
    try:
        async with database.acquire() as connection:
            await eventually(lambda: connection.fetchval(_RUNNING, announce_products.NAME), 1)
            other = await enqueue_expiring(database)
            await eventually(lambda: is_finished(database, other))
            assert await connection.fetchval(_RUNNING, announce_products.NAME) == 1
    finally:
        async with database.acquire() as connection:
            await connection.execute("DELETE FROM outbox WHERE subject LIKE 'held/%'")
    for job_id in waiting:
        await eventually(lambda job_id=job_id: is_finished(database, job_id))


async def enqueue_expiring(database: Database) -> UUID:
    async with database.transaction() as connection:
        return await enqueue(connection, expire_orders.NAME, ExpireOrders())


async def is_finished(database: Database, job_id: UUID) -> bool:
    async with database.acquire() as connection:
        job = await find_job(connection, job_id)
    return job is not None and job.status.is_final
