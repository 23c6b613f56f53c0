"""A database with the shared tables, a bus, and ways to look at the broker, fresh for each test."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import aio_pika
import pytest
import pytest_asyncio

from shared.jobs import JobWorker
from shared.jobs import worker as job_worker
from shared.jobs.wake import wake_keeper
from shared.messaging import Bus, Relay
from shared.messaging.topology import declare_events
from shared.postgres import Database, migrate
from shared.settings import PostgresSettings, RabbitSettings
from shared.testing.servers import Servers, fresh_vhost, management
from shared.testing.waiting import PATIENCE_SECONDS

from .job_fixtures import redis, run_worker  # noqa: F401 - fixtures
from .proxy import Proxy
from .tracing import recorder  # noqa: F401 - a fixture


def patient(url: str) -> PostgresSettings:
    """A machine that stands still for some seconds is no Postgres that is full or away."""
    seconds = {"acquire_seconds": PATIENCE_SECONDS, "statement_seconds": PATIENCE_SECONDS}
    return PostgresSettings.model_validate({"url": url}).model_copy(update=seconds)


@pytest_asyncio.fixture
async def database(database_role: Callable[[str], Awaitable[str]]) -> AsyncIterator[Database]:
    url = await database_role(f"m{secrets.token_hex(4)}")
    held = Database(patient(url), application_name="messaging-test")
    await held.open()
    await migrate(held, "messaging", [])
    async with held.acquire() as connection:
        await connection.execute("CREATE TABLE effects (seen bigint GENERATED ALWAYS AS IDENTITY, what text NOT NULL)")
    yield held
    await held.close()


@pytest.fixture
def amqp_url(servers: Servers) -> Iterator[str]:
    """A virtual host for each test: a new queue is filled from the vhost's log of events."""
    with fresh_vhost(servers) as url:
        yield url


@pytest_asyncio.fixture
async def bus(amqp_url: str) -> AsyncIterator[Bus]:
    async with Bus(RabbitSettings(url=amqp_url), name=f"test-{secrets.token_hex(4)}") as held:
        await held.connected()
        yield held


@pytest.fixture
def queue() -> str:
    return f"test.{secrets.token_hex(4)}"


@dataclass
class Broker:
    """What a person with the management page could see and do."""

    servers: Servers
    amqp_url: str

    @property
    def vhost(self) -> str:
        return quote(urlsplit(self.amqp_url).path.lstrip("/"), safe="")

    def api(self, method: str, path: str) -> object:
        return management(self.servers, method, path)

    async def close_connections(self, name: str) -> int:
        """Cut what is connected under this name; the management page knows of it some seconds late."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = await asyncio.to_thread(self.api, "GET", f"/api/vhosts/{self.vhost}/connections")
                assert isinstance(found, list)
                names = [c["name"] for c in found if c.get("user_provided_name") == name]
                if names:
                    break
                await asyncio.sleep(0.2)
        for connection in names:
            await asyncio.to_thread(self.api, "DELETE", f"/api/connections/{quote(connection, safe='')}")
        return len(names)

    async def take_all(self, queue: str) -> list[aio_pika.abc.AbstractIncomingMessage]:
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            found = await channel.declare_queue(queue, passive=True)
            messages = []
            while (message := await found.get(fail=False, timeout=PATIENCE_SECONDS)) is not None:
                await message.ack()
                messages.append(message)
            return messages

    async def deliver(self, body: bytes, queue: str) -> None:
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            await channel.default_exchange.publish(aio_pika.Message(body), queue)


@pytest_asyncio.fixture
async def proxy(amqp_url: str) -> AsyncIterator[Proxy]:
    async with Proxy.running(urlsplit(amqp_url).hostname or "", urlsplit(amqp_url).port or 0) as held:
        yield held


@pytest_asyncio.fixture
async def proxied_bus(amqp_url: str, proxy: Proxy) -> AsyncIterator[Bus]:
    """A bus whose line to the broker the test can stall and cut."""
    parts = urlsplit(amqp_url)
    netloc = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.port}"
    url = urlunsplit(parts._replace(netloc=netloc))
    async with Bus(RabbitSettings(url=url), name="proxied", publish_timeout=1.0) as held:
        await held.connected()
        yield held


@pytest.fixture
def broker(servers: Servers, amqp_url: str) -> Broker:
    return Broker(servers, amqp_url)


@pytest_asyncio.fixture
async def background() -> AsyncIterator[Callable[[Awaitable[None]], "asyncio.Task[None]"]]:
    """Runs something until the end of the test."""
    tasks: list[asyncio.Task[None]] = []

    def run(work: Awaitable[None]) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(work)
        tasks.append(task)
        return task

    yield run
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest_asyncio.fixture
async def relay(database: Database, bus: Bus, background: Callable[..., object]) -> Relay:
    # The queues of the tests belong to "test", and the relay takes part as its schema.
    await declare_events(bus, "test")
    running = Relay(database, bus)
    background(running.run())
    return running


@pytest.fixture
def woken_by_message(
    bus: Bus, relay: Relay, background: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> object:
    """Makes a worker hear messages, and look by itself hardly ever."""
    assert relay
    monkeypatch.setattr(job_worker, "POLL_SECONDS", 3600.0)

    async def listen(worker: JobWorker) -> None:
        keeper = wake_keeper(bus, worker.service, worker.wake)
        background(keeper.run())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not keeper.subscribed:
                await asyncio.sleep(0.02)
        # Its one look on its own is behind it: from here on it sleeps until a message comes.
        while worker._leases is None:
            await asyncio.sleep(0.02)

    return listen
