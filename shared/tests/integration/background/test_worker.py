"""The worker process as a whole: an event becomes a job, the job's end an event, in one trace."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from fastapi import FastAPI

from shared.clean_ups import CLEAN_UP
from shared.jobs import FinishedJob, JobContext, JobType, enqueue
from shared.messaging import Event, Subscription, append_event
from shared.messaging.topology import entry_exchange
from shared.postgres import Connection, Database
from shared.schedules import Schedule, upsert
from shared.settings import ServiceSettings
from shared.testing.serving import running
from shared.testing.waiting import eventually
from shared.worker import create_worker

from .job_fixtures import Sum
from .proxy import Proxy
from .shop import effects, outbox_rows, place, record
from .tracing import Recorder


async def ask_for_sum(connection: Connection, event: Event) -> None:
    await enqueue(connection, "whole.sum", Sum(numbers=[event.data["id"]]), unique_key=event.subject)


async def add(context: JobContext, payload: Sum) -> None:
    assert context.resources == {"adder": "abacus"}
    assert await context.run_in_process(sum, payload.numbers) == sum(payload.numbers)


async def tell(connection: Connection, job: FinishedJob) -> None:
    data = {"id": 1, "version": 2, "status": job.status}
    await append_event(connection, type="sums.finished.v1", source="/services/whole", subject="sums/1", data=data)


KIND = JobType("whole.sum", add, payload=Sum, on_finished=tell)
SUBSCRIPTIONS = (
    Subscription("whole.sums", ("orders.placed.v1",), ask_for_sum),
    Subscription("whole.finished", ("sums.finished.v1",), record),
)


def _settings(database: Database, redis_url: str, amqp_url: str, **more: str) -> ServiceSettings:
    values = {
        "DATABASE_URL": database.url,
        "REDIS_URL": redis_url,
        "AMQP_URL": amqp_url,
        "TOKEN_ISSUER": "http://issuer.test",
        "HTTP_DRAIN_SECONDS": "1",
        **more,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        return ServiceSettings()


async def _worker(database: Database, settings: ServiceSettings) -> FastAPI:
    async with database.acquire() as connection:
        schema: str = await connection.fetchval("SELECT current_schema()")
    return create_worker(
        schema,  # the schema is named as the service is, as in every deployment
        settings,
        version="1.0.0",
        migrations=[],
        subscriptions=SUBSCRIPTIONS,
        job_types=[KIND],
        resources={"adder": "abacus"},
    )


async def _ready(client: httpx.AsyncClient) -> tuple[int, dict[str, str]]:
    answer = await client.get("/health/ready")
    return answer.status_code, answer.json()["checks"]


async def test_an_event_becomes_a_job_and_its_end_an_event_in_one_trace(
    recorder: Recorder, database: Database, redis_url: str, amqp_url: str
) -> None:
    async with running(await _worker(database, _settings(database, redis_url, amqp_url))) as client:
        await eventually(lambda: _is_ready(client))
        with recorder.request("POST /orders") as request:
            await place(database, 7)
        await eventually(lambda: effects(database), ["sums/1 2"])
        await eventually(lambda: outbox_rows(database), 0)
        trace_id = request.context.trace_id
        # The last receipt ends with its acknowledgement, after the effect.
        await eventually(lambda: chain_of(recorder, trace_id))
        metrics = (await client.get("/metrics")).text
    for name in ("outbox_lag_seconds", "outbox_published_total", "consumer_messages_total", "jobs_attempts_total"):
        assert name in metrics
    async with database.acquire() as connection:
        way_in = entry_exchange(await connection.fetchval("SELECT current_schema()"))
    assert [name.replace(way_in, "events") for name in reversed(chain_of(recorder, trace_id))][:-1] == [
        "POST /orders",
        "events,orders.placed.v1 send",
        "events receive",
        "job whole.sum",
        "events,sums.finished.v1 send",
        "events receive",
    ]


def chain_of(recorder: Recorder, trace_id: int) -> list[str]:
    """The spans above the effect, from it on; nothing while one of them has not ended."""
    chain = recorder.sql(trace_id, "INTO effects")[:1]
    spans = {span.context.span_id: span for span in recorder.named(trace_id, "")}
    while chain and (parent := recorder.parent_of(chain[-1])) is not None:
        if parent not in spans:
            return []
        chain.append(spans[parent])
    return [span.name for span in chain]


async def test_a_worker_that_only_waits_makes_no_traces(
    recorder: Recorder, database: Database, redis_url: str, amqp_url: str
) -> None:
    # Without what the clock starts, which is work.
    settings = _settings(database, redis_url, amqp_url, WORKER_SCHEDULES="false")
    async with running(await _worker(database, settings)) as client:
        await eventually(lambda: _is_ready(client))

        async def made() -> list[str]:
            before = len(recorder.all())
            await asyncio.sleep(2.5)
            return [span.name for span in recorder.all()[before:]]

        # What belongs to the start goes on for a while after it on a slow machine.
        await eventually(made, [])


async def test_a_worker_cleans_up_by_schedule(database: Database, redis_url: str, amqp_url: str) -> None:
    async def left() -> int:
        async with database.acquire() as connection:
            return await connection.fetchval("SELECT count(*) FROM inbox WHERE consumer = 'long ago'")

    async with database.acquire() as connection:
        await connection.execute("INSERT INTO inbox VALUES ('long ago', '1', now() - interval '1 year')")
    assert await left() == 1
    async with running(await _worker(database, _settings(database, redis_url, amqp_url))):
        await eventually(lambda: _make_due(database, "clean_up.inbox"))
        await eventually(left, 0)


async def test_with_its_schedules_off_a_worker_fires_what_users_stored_alone(
    database: Database, redis_url: str, amqp_url: str
) -> None:
    codes = Schedule("clean_up.inbox", "* * * * *", "UTC", CLEAN_UP, {"what": "inbox"})
    users = Schedule("mine", "* * * * *", "UTC", KIND.name, {"numbers": [7]})
    async with database.transaction() as connection:
        await upsert(connection, codes, owner=None)
        await upsert(connection, users, owner="7")
        # The code's comes first: it would have been fired when the user's is.
        await connection.execute(
            "UPDATE schedules SET next_fire = date_trunc('minute', now()) - CASE WHEN owner IS NULL"
            " THEN interval '1 minute' ELSE interval '0' END"
        )

    async def fired() -> list[str]:
        async with database.acquire() as connection:
            return [row["schedule"] for row in await connection.fetch("SELECT DISTINCT schedule FROM schedule_fires")]

    off = _settings(database, redis_url, amqp_url, WORKER_SCHEDULES="false")
    async with running(await _worker(database, off)):
        await eventually(fired)
        assert await fired() == ["mine"]


async def _make_due(database: Database, schedule: str) -> bool:
    async with database.acquire() as connection:
        return await connection.fetchval(
            "UPDATE schedules SET next_fire = date_trunc('minute', now()), cron = '* * * * *'"
            " WHERE name = $1 RETURNING true",
            schedule,
        )


async def _is_ready(client: httpx.AsyncClient) -> bool:
    return (await _ready(client))[0] == 200


async def test_a_broker_that_is_away_delays_the_start_and_is_said(
    database: Database, redis_url: str, amqp_url: str, proxy: Proxy
) -> None:
    parts = urlsplit(amqp_url)
    url = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.port}"))
    proxy.refuse()
    async with running(await _worker(database, _settings(database, redis_url, url))) as client:

        async def said() -> tuple[int, str, str]:
            status, checks = await _ready(client)
            return status, checks["rabbitmq"], checks["postgres"]

        await eventually(said, (503, "unhealthy", "healthy"))
        await place(database, 7)
        proxy.accept()
        await eventually(lambda: _is_ready(client))
        await eventually(lambda: effects(database), ["sums/1 2"])
        proxy.refuse()
        proxy.cut()
        await eventually(lambda: _checks(client, "rabbitmq"), "unhealthy")
        proxy.accept()
        await eventually(lambda: _is_ready(client))


async def _checks(client: httpx.AsyncClient, name: str) -> str:
    return (await _ready(client))[1][name]
