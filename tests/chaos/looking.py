"""Reads the end state from the servers themselves, past every proxy."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import aio_pika
import asyncpg
import httpx

from chaos.end_state import (
    ChargeRow,
    ClockReportRow,
    EndState,
    OrderRow,
    PaymentRow,
    ProductRow,
    ReportRow,
    UserRow,
    WireEvent,
)
from local_stack.services import SERVICES

if TYPE_CHECKING:
    from chaos.ground import Ground
    from chaos.load import Load

EVENTS = "events"
WITNESS = "chaos.witness"
_HOUSE_LOGS = {WITNESS, "events.log"}

_ORDERS = """
    SELECT id, user_id, status, total::text, version,
           (SELECT coalesce(json_agg(json_build_array(product_id, quantity) ORDER BY product_id), '[]')
            FROM {items} WHERE order_id = o.id)::text AS lines
    FROM {orders} AS o ORDER BY id
"""
_CHARGES = """
    SELECT split_part(reference, '/', 2)::bigint, amount::text, refunded_at IS NOT NULL
    FROM orders.simulated_charges ORDER BY reference
"""
_UNFINISHED = """
    SELECT type || ' ' || id || ' ' || status || ', attempt ' || attempt FROM {schema}.jobs
    WHERE status IN ('queued', 'running') AND run_at < now() + interval '10 minutes'
"""
# A picture that another one came after is not made, and its job says so.
_FAILED = """
    SELECT type || ' ' || id || ': ' || coalesce(error, '') FROM {schema}.jobs
    WHERE status = 'failed' AND coalesce(error, '') NOT LIKE '%Another picture came after this one%'
"""
_CLOCK_REPORTS = """
    SELECT user_id, schedule_id, scheduled_for::text FROM reports.reports WHERE schedule_id IS NOT NULL ORDER BY id
"""


async def bind_witness(ground: Ground) -> None:
    """A queue of our own that gets every event from now on."""
    async with await aio_pika.connect(ground.servers.amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(WITNESS, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(EVENTS, "#")


async def hear_witness(ground: Ground) -> list[WireEvent]:
    """Every event that the queue got, in its order."""
    heard: list[WireEvent] = []
    async with await aio_pika.connect(ground.servers.amqp_url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=500)
        queue = await channel.declare_queue(WITNESS, passive=True)
        left = queue.declaration_result.message_count or 0
        if not left:
            return heard
        async with queue.iterator(no_ack=False, timeout=20) as messages:
            async for message in messages:
                if message.body:  # else the marker of a queue that is filled from the log
                    body: dict[str, Any] = json.loads(message.body)
                    heard.append(WireEvent(body["id"], body["type"], body["subject"], body["data"]))
                await message.ack()
                left -= 1
                if not left:
                    break
    return heard


async def waiting_messages(ground: Ground) -> dict[str, int]:
    """How many messages each queue of the house holds."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        answer = await client.get(f"{ground.servers.management_url}/api/queues")
        answer.raise_for_status()
        names = [queue["name"] for queue in answer.json() if queue["name"] not in _HOUSE_LOGS]
    counts: dict[str, int] = {}
    async with await aio_pika.connect(ground.servers.amqp_url) as connection:
        channel = await connection.channel()
        for name in names:
            queue = await channel.declare_queue(name, passive=True)
            counts[name] = queue.declaration_result.message_count or 0
    return counts


async def look(ground: Ground) -> EndState:
    """Everything but the files of reports and the events."""
    connection = await asyncpg.connect(ground.servers.admin_database_url)
    try:
        return await _look(connection, await waiting_messages(ground))
    finally:
        await connection.close()


async def _look(connection: asyncpg.Connection[asyncpg.Record], waiting: dict[str, int]) -> EndState:
    async def orders(table: str, items: str) -> list[OrderRow]:
        rows = await connection.fetch(_ORDERS.format(orders=table, items=items))
        return [
            OrderRow(
                *tuple(row)[:5], lines=tuple((product, number) for product, number in json.loads(row["lines"] or "[]"))
            )
            for row in rows
        ]

    async def texts(statement: str) -> list[str]:
        found = [await connection.fetch(statement.format(schema=schema)) for schema in SERVICES]
        return [row[0] for rows in found for row in rows]

    async def rows(make: Any, statement: str) -> list[Any]:
        return [make(*row) for row in await connection.fetch(statement)]

    async def left_in(*tables: str) -> dict[str, int]:
        # The names are ours.
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables}  # noqa: S608

    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return EndState(
            orders=await orders("orders.orders", "orders.order_items"),
            seen_orders=await orders("reports.seen_orders", "reports.seen_order_items"),
            payments=await rows(
                PaymentRow, "SELECT id, order_id, status, amount::text FROM orders.payments ORDER BY id"
            ),
            charges=await rows(ChargeRow, _CHARGES),
            products=await rows(ProductRow, "SELECT id, stock, version, sku FROM orders.products ORDER BY id"),
            seen_products=await rows(ProductRow, "SELECT id, stock, version FROM reports.seen_products ORDER BY id"),
            users=await rows(UserRow, "SELECT id, version, email FROM users.users ORDER BY id"),
            seen_users=await rows(UserRow, "SELECT id, version FROM reports.seen_users ORDER BY id"),
            reports=await rows(
                ReportRow,
                "SELECT id, user_id, params::jsonb ->> 'from', status, version FROM reports.reports ORDER BY id",
            ),
            clock_reports=await rows(ClockReportRow, _CLOCK_REPORTS),
            clocks_left=[
                (row[0], row[1]) for row in await connection.fetch("SELECT id, user_id FROM reports.report_schedules")
            ],
            undone=await left_in(
                *(f"{schema}.outbox" for schema in SERVICES), "orders.unannounced_products", "orders.payment_attempts"
            ),
            unfinished_jobs=await texts(_UNFINISHED),
            failed_jobs=await texts(_FAILED),
            waiting_messages=waiting,
        )


async def with_files(load: Load, reports: list[ReportRow]) -> list[ReportRow]:
    """The reports, and of those that succeeded what is wrong with the file that their owner gets."""
    return [await _with_file(load, report) for report in reports]


async def _with_file(load: Load, report: ReportRow) -> ReportRow:
    if report.status != "succeeded":
        return report
    answer = await load.client_of(report.user_id).content(f"/api/v1/reports/{report.id}/content")
    digest = hashlib.sha256(answer.content).hexdigest()
    fault = ""
    if answer.status_code != 200 or not answer.content:
        fault = f"its file: {answer.status_code}, {len(answer.content)} bytes"
    elif digest not in answer.headers.get("ETag", digest):
        fault = f"its file has the digest {digest}, its ETag is {answer.headers['ETag']}"
    return ReportRow(report.id, report.user_id, report.since, report.status, report.version, fault)
