"""The process's one connection to RabbitMQ: kept for ever, and a channel to publish on.

aio-pika's own robust connection is not used: it restores by declaring everything again, so that one
changed argument stops the whole restore, it retries at a fixed interval, and its consumers can be lost
without a sign (aio-pika#231, #334, #632). Here the connection is a plain one that this class replaces,
and whoever needs a channel opens and declares anew (keeper.py, relay.py).
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError, DeliveryError, PublishError

from shared.messaging.backoff import Backoff
from shared.messaging.cancellation import raise_if_cancelled
from shared.messaging.metrics import BUS_CONNECTED
from shared.settings import RabbitSettings

log = structlog.stdlib.get_logger(__name__)

CONNECTION_ERRORS = (AMQPError, OSError, TimeoutError, RuntimeError)
"""What aio-pika and aiormq raise when the broker, the connection or the channel is gone."""


class PublishFailed(Exception):  # noqa: N818 - the name says what happened
    """The broker did not confirm: the message may or may not be there."""

    reason = "unconfirmed"


class Unroutable(PublishFailed):
    """No queue took the message (mandatory, returned)."""

    reason = "unroutable"


class Refused(PublishFailed):
    """The broker, or the client library, refused this very message: others may pass."""

    reason = "refused"


class Bus:
    """A connection that comes back by itself; ``start`` does not wait for the broker."""

    def __init__(self, settings: RabbitSettings, *, name: str, publish_timeout: float = 10.0) -> None:
        self._settings = settings
        self.name = name
        self._publish_timeout = publish_timeout
        self._connection: AbstractConnection | None = None
        self._connected = asyncio.Event()
        self._publisher: AbstractChannel | None = None
        self._publisher_lock = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to connect in the background."""
        self._keeper = asyncio.create_task(self._keep_connected(), name="bus")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection: what is not acknowledged is delivered again."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._drop()

    def healthy(self) -> bool:
        """Whether the connection stands now."""
        return self._connected.is_set()

    async def connected(self) -> None:
        """Wait until the connection stands."""
        await self._connected.wait()

    async def open_channel(self) -> AbstractChannel:
        """A new channel with confirms on the current connection, once there is one."""
        raise_if_cancelled()
        await self.connected()
        if self._connection is None:
            raise ConnectionError("the connection to the broker was lost")
        channel = self._connection.channel(publisher_confirms=True, on_return_raises=True)
        async with asyncio.timeout(self._publish_timeout):
            await channel.initialize()
        return channel

    @property
    def publish_timeout(self) -> float:
        """Seconds that a publication may take."""
        return self._publish_timeout

    async def connect_apart(self, purpose: str) -> AbstractConnection:
        """Another connection to the same broker, which the caller closes; nobody replaces it."""
        raise_if_cancelled()
        return await self._connect(f"{self.name}-{purpose}")

    async def publish(self, message: aio_pika.Message, *, exchange: str, routing_key: str) -> None:
        """Publish one message and wait for the confirm.

        Raises Unroutable or Refused when it is about this message, PublishFailed otherwise. Every
        publication is mandatory and has a timeout: a blocked broker would keep it for ever
        (aio-pika#689). After a timeout the channel is given up, so that a late confirm of the same
        message_id meets no other future (TRAPS.md, RabbitMQ 2).
        """
        channel: AbstractChannel | None = None
        try:
            async with asyncio.timeout(self._publish_timeout):
                channel = await self._publisher_channel()
                target = channel.default_exchange
                if exchange:
                    target = await channel.get_exchange(exchange, ensure=False)
                await target.publish(message, routing_key, mandatory=True)
        except PublishError as error:
            raise Unroutable(f"no queue is bound to {exchange or 'the default exchange'} {routing_key}") from error
        except (DeliveryError, ValueError, TypeError) as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
        except TimeoutError as error:
            await self._discard(channel)
            raise PublishFailed(f"no confirm within {self._publish_timeout} s") from error
        except CONNECTION_ERRORS as error:
            await self._discard(channel)
            raise PublishFailed(f"{type(error).__name__}: {error}") from error

    async def _publisher_channel(self) -> AbstractChannel:
        async with self._publisher_lock:
            if self._publisher is None or self._publisher.is_closed:
                self._publisher = await self.open_channel()
            return self._publisher

    async def _discard(self, channel: AbstractChannel | None) -> None:
        if channel is None or channel is not self._publisher:
            return
        self._publisher = None
        with contextlib.suppress(*CONNECTION_ERRORS):
            async with asyncio.timeout(1):
                await channel.close()

    async def _keep_connected(self) -> None:
        backoff = Backoff(first=0.2, most=10.0)
        while True:
            raise_if_cancelled()
            try:
                connection = await self._connect(self.name)
            except CONNECTION_ERRORS as error:
                pause = backoff.next()
                log.warning("bus_unreachable", error=f"{type(error).__name__}: {error}", retry_in=round(pause, 2))
                await asyncio.sleep(pause)
                continue
            backoff.reset()
            lost = asyncio.Event()
            connection.close_callbacks.add(lambda *_, lost=lost: lost.set())
            self._connection = connection
            self._connected.set()
            BUS_CONNECTED.set(1)
            log.info("bus_connected")
            raise_if_cancelled()
            if not connection.is_closed:
                await lost.wait()
            log.warning("bus_disconnected")
            await self._drop()

    async def _connect(self, name: str) -> AbstractConnection:
        return await aio_pika.connect(
            self._settings.url.get_secret_value(),
            timeout=10,
            heartbeat=self._settings.heartbeat_seconds,
            client_properties={"connection_name": name},
        )

    async def _drop(self) -> None:
        self._connected.clear()
        BUS_CONNECTED.set(0)
        connection, self._connection, self._publisher = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(*CONNECTION_ERRORS):
                async with asyncio.timeout(5):
                    await connection.close()
