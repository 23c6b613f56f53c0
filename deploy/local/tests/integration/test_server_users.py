"""A service taken over speaks for itself alone: what its users of Redis and RabbitMQ are refused, and what they do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import aio_pika
import asyncpg
import pytest
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import ChannelAccessRefused
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from local_stack import embedded
from local_stack.embedded import Servers
from local_stack.services import SERVICES
from local_stack.state import State
from shared.messaging import Bus, Consumer, Event, Relay, Subscription, append_event
from shared.messaging.parking import read_parked, replay
from shared.postgres import Connection, Database, migrate
from shared.settings import PostgresSettings, RabbitSettings
from shared.testing.waiting import eventually

PROCESSES = ["gateway", *SERVICES]
OWN_KEYS = {"gateway": "gatehouse:limit:walls"} | {service: f"{service}:walls" for service in SERVICES}


@pytest.fixture(scope="module")
def servers(state: State) -> Servers:
    return embedded.servers(state, {})


@pytest.mark.parametrize("process", PROCESSES)
async def test_a_process_reaches_no_key_of_another(servers: Servers, process: str):
    async with Redis.from_url(servers.redis_urls[process]) as redis:
        assert await redis.set(OWN_KEYS[process], "mine", px=60_000)
        assert await redis.eval("return redis.call('GET', KEYS[1])", 1, OWN_KEYS[process]) == b"mine"
        for key in {*OWN_KEYS.values(), "anything"} - {OWN_KEYS[process]}:
            for attempt in (redis.get(key), redis.set(key, "theirs"), redis.delete(key), redis.rename(key, "x")):
                with pytest.raises(NoPermissionError):
                    await attempt
            with pytest.raises(ResponseError, match=r"(?i)acl|permission"):
                await redis.eval("return redis.call('SET', KEYS[1], 'theirs')", 1, key)


@pytest.mark.parametrize("process", PROCESSES)
async def test_what_ended_is_read_by_all_and_told_by_users_alone(servers: Servers, process: str):
    async with Redis.from_url(servers.redis_urls[process]) as redis:
        await redis.xread({"tokens:revoked": "0-0"}, count=1)
        if process == "users":
            await redis.delete(await _one_more(redis))
            return
        for attempt in (redis.xadd("tokens:revoked", {"user": "1"}), redis.delete("tokens:revoked")):
            with pytest.raises(NoPermissionError):
                await attempt


async def _one_more(redis: Redis) -> str:
    await redis.xadd("tokens:revoked:walls", {"user": "1"})
    return "tokens:revoked:walls"


@pytest.mark.parametrize("process", PROCESSES)
async def test_a_process_hears_and_speaks_on_its_own_channels_alone(servers: Servers, process: str):
    async with Redis.from_url(servers.redis_urls[process]) as redis:
        for service in SERVICES:
            if service == process:
                assert await redis.publish(f"jobs:{service}:1", "progress") == 0
                continue
            with pytest.raises(NoPermissionError):
                await redis.publish(f"jobs:{service}:1", "forged")
            for pattern in (f"jobs:{service}:1", "*"):
                async with redis.pubsub() as listening:
                    await listening.psubscribe(pattern)
                    with pytest.raises(NoPermissionError):
                        await listening.get_message(timeout=5)


OVER_ALL = """FLUSHALL, FLUSHDB, KEYS *, SCAN 0, RANDOMKEY, CONFIG GET *, ACL LIST, SCRIPT FLUSH, FUNCTION FLUSH,
    MONITOR, CLIENT LIST, CLIENT KILL TYPE normal, SHUTDOWN NOSAVE, PUBSUB CHANNELS, REPLICAOF NO ONE, SWAPDB 0 1"""


@pytest.mark.parametrize("process", PROCESSES)
async def test_a_process_has_no_command_over_the_whole_server(servers: Servers, process: str):
    async with Redis.from_url(servers.redis_urls[process]) as redis:
        for command in OVER_ALL.split(","):
            with pytest.raises(NoPermissionError):
                await redis.execute_command(*command.split())


async def test_no_process_is_the_administrator(servers: Servers):
    given = {*servers.redis_urls.values(), *servers.amqp_urls.values()}
    assert len(given) == len(PROCESSES) + len(SERVICES)
    assert not given & {servers.redis_url, servers.amqp_url}


Attempt = Callable[[aio_pika.abc.AbstractChannel], Awaitable[object]]


@asynccontextmanager
async def channel_of(url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)


@pytest.fixture
async def theirs(servers: Servers) -> AsyncIterator[str]:
    """A queue of reports with a message in it, and the exchange to it."""
    async with channel_of(servers.amqp_urls["reports"]) as channel:
        own = await channel.declare_exchange("reports.walls-own", "direct", auto_delete=True)
        queue = await channel.declare_queue("reports.walls", auto_delete=False)
        await queue.bind(own, "reports.walls")
        await own.publish(aio_pika.Message(b"theirs"), "reports.walls")
        yield queue.name
        assert await queue.get() is not None, "it is there as it was"
        await queue.delete(if_unused=False, if_empty=False)


async def _publish(channel: aio_pika.abc.AbstractChannel, exchange: str, key: str) -> None:
    target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    await target.publish(aio_pika.Message(b"forged"), key)


async def _bind_exchange(channel: aio_pika.abc.AbstractChannel, destination: str, source: str) -> None:
    await (await channel.get_exchange(destination, ensure=False)).bind(source, "#")


async def _bind_queue(channel: aio_pika.abc.AbstractChannel, queue: str, source: str) -> None:
    await (await channel.get_queue(queue, ensure=False)).bind(source, "#")


async def _consume(channel: aio_pika.abc.AbstractChannel, queue: str) -> None:
    await (await channel.get_queue(queue, ensure=False)).get()


async def _delete(channel: aio_pika.abc.AbstractChannel, queue: str) -> None:
    await channel.queue_delete(queue)


async def _purge(channel: aio_pika.abc.AbstractChannel, queue: str) -> None:
    await (await channel.get_queue(queue, ensure=False)).purge()


async def _dead_letters_to(channel: aio_pika.abc.AbstractChannel, exchange: str) -> None:
    await channel.declare_queue("orders.walls-letters", arguments={"x-dead-letter-exchange": exchange})


async def _alternate(channel: aio_pika.abc.AbstractChannel, exchange: str) -> None:
    await channel.declare_exchange("orders.walls-alternate", "topic", arguments={"alternate-exchange": exchange})


REFUSED: dict[str, Attempt] = {
    "says it to all at once": lambda channel: _publish(channel, "events", "orders.placed.v1"),
    "speaks through another's way in": lambda channel: _publish(channel, "events.from.users", "users.deleted.v1"),
    "writes to another's queue": lambda channel: _publish(channel, "", "reports.walls"),
    "writes to another's exchange": lambda channel: _publish(channel, "reports.walls-own", "reports.walls"),
    "leads its exchange into the events": lambda channel: _bind_exchange(channel, "events", "events.from.orders"),
    "leads an exchange into another's way in": lambda channel: _bind_exchange(channel, "events.from.users", "events"),
    "leads events into another's queue": lambda channel: _bind_queue(channel, "reports.walls", "events"),
    "leads its exchange into the log": lambda channel: _bind_queue(channel, "events.log", "events"),
    "listens to what another says first": lambda channel: _bind_queue(channel, "orders.walls", "events.from.users"),
    "reads another's queue": lambda channel: _consume(channel, "reports.walls"),
    "empties another's queue": lambda channel: _purge(channel, "reports.walls"),
    "deletes another's queue": lambda channel: _delete(channel, "reports.walls"),
    "deletes the log": lambda channel: _delete(channel, "events.log"),
    "lets letters die into the events": lambda channel: _dead_letters_to(channel, "events"),
    "lets letters die into a queue": lambda channel: _dead_letters_to(channel, ""),
    "leads what has no way into the events": lambda channel: _alternate(channel, "events"),
    "makes a queue that is not its own": lambda channel: channel.declare_queue("users.jobs.wake"),
    "makes a queue that is nobody's": lambda channel: channel.declare_queue(exclusive=True),
    "makes an exchange that is nobody's": lambda channel: channel.declare_exchange("walls", "topic"),
    "remakes the events": lambda channel: channel.exchange_delete("events"),
}


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED)
async def test_orders_taken_over(servers: Servers, theirs: str, attempt: Attempt):
    assert theirs
    async with channel_of(servers.amqp_urls["orders"]) as channel:
        await channel.declare_queue("orders.walls", exclusive=True)
        with pytest.raises(ChannelAccessRefused):
            await attempt(channel)


async def _is_let_in(channel: aio_pika.abc.AbstractChannel, event: str) -> bool:
    try:
        await _publish(channel, "events.from.orders", event)
    except DeliveryError:
        return False
    return True


@pytest.mark.parametrize("event", ["users.deleted.v1", "reports.finished.v1", "orders", "ordersx.placed.v1", "#", ""])
async def test_a_type_of_another_is_not_let_in(servers: Servers, event: str):
    async with channel_of(servers.amqp_urls["orders"]) as channel:
        await eventually(
            lambda: _is_let_in(channel, "orders.let-in.v1")
        )  # a log that was just restarted takes its time
        assert await _is_let_in(channel, event) == (event == "orders")  # its name alone is its own


@asynccontextmanager
async def side_of(servers: Servers, service: str) -> AsyncIterator[tuple[Database, Bus]]:
    """A database with the tables of messaging, and a bus with no more than the service's own rights."""
    url = SecretStr(servers.owner_database_url(service))
    database = Database(PostgresSettings(url=url), application_name="walls")  # pyright: ignore[reportCallIssue]
    await database.open()
    await migrate(database, "messaging", [])
    settings = RabbitSettings(url=SecretStr(servers.amqp_urls[service]))  # pyright: ignore[reportCallIssue]
    async with Bus(settings, name=f"walls-{service}") as bus:
        yield database, bus
    await database.close()


async def say(database: Database, event_type: str, subject: str) -> None:
    async with database.transaction() as connection:
        await append_event(connection, type=event_type, source="/walls", subject=subject, data={})


async def test_with_these_rights_events_go_out_are_tried_again_set_aside_and_put_back(servers: Servers):
    """And one that reports says in the name of orders is held, and comes to nobody."""
    heard: list[str] = []

    async def hear(connection: Connection, event: Event) -> None:
        assert connection
        heard.append(event.subject)
        if event.subject == "walls/hopeless" and heard.count(event.subject) == 1:
            raise asyncpg.DataError("hopeless")
        if event.subject == "walls/later" and heard.count(event.subject) == 1:
            raise RuntimeError("not yet")

    subscription = Subscription("reports.walls-heard", ["orders.walls.v1"], hear, [timedelta(milliseconds=50)])
    async with side_of(servers, "orders") as (orders, orders_bus), side_of(servers, "reports") as (reports, bus):
        await say(orders, "orders.walls.v1", "walls/before")
        consumer = Consumer(bus, reports, subscription)
        running = [asyncio.create_task(each.run()) for each in (Relay(orders, orders_bus), Relay(reports, bus))]
        try:
            await eventually(lambda: _outbox(orders), [])
            running.append(asyncio.create_task(consumer.run()))
            await eventually(lambda: "walls/before" in heard)  # from the log: its queue was not there
            await say(reports, "orders.walls.v1", "walls/forged")
            await eventually(lambda: _outbox(reports), [("orders.walls.v1", True)])
            for subject in ("walls/later", "walls/hopeless"):
                await say(orders, "orders.walls.v1", subject)
            await eventually(lambda: heard.count("walls/later") == 2)
            await eventually(lambda: _put_back(bus), 1)
            await eventually(lambda: heard.count("walls/hopeless") == 2)
            assert "walls/forged" not in heard
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _outbox(database: Database) -> list[tuple[str, bool]]:
    """Type of each event that waits, and whether the broker refused it."""
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT routing_key, attempts > 0 AS refused FROM outbox")
    return [(row["routing_key"], row["refused"]) for row in rows]


async def _put_back(bus: Bus) -> int:
    count = 0
    async for message in read_parked(bus, "reports.walls-heard"):
        await replay(bus, "reports.walls-heard", message)
        count += 1
    return count
