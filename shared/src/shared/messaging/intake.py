"""What a consumer has in hand: handed on in batches, and what may be poison alone.

A message that kills its process comes back with all that was in hand beside it, each charged one delivery
by the quorum queue (TRAPS.md, RabbitMQ 5). So a consumer begins with one message at a time, and takes as
many as it may only once the broker hands it one that nobody has lost before. A message that was lost
before waits until everything else in hand is settled, and is handled by itself.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from aio_pika.abc import AbstractIncomingMessage
from opentelemetry import context
from opentelemetry.context import Context

from shared.messaging.bus import CONNECTION_ERRORS, PublishFailed
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

BATCH = 100


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message in hand, and the trace it came in."""

    message: AbstractIncomingMessage
    trace: Context
    settled: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def losses(self) -> int:
        """How often it was in hand, and came back because the process or its channel was gone."""
        found = self.message.headers.get("x-delivery-count", 0)
        return found if isinstance(found, int) else 0

    def end(self) -> None:
        """Let the receipt, and its span, end."""
        if not self.settled.done():
            self.settled.set_result(None)


class Intake(Protocol):
    """Who takes what a queue delivers."""

    prefetch: int
    """How many messages to be given before the first is settled."""
    prefetch_changed: asyncio.Event
    received: int
    """How many messages came since the start."""

    @property
    def in_hand(self) -> int:
        """How many messages are not settled yet."""
        ...

    def begin(self, give_up: Callable[[], None]) -> None:
        """Know of a new channel; what is left of an older one is not ours any more. ``give_up`` ends it."""
        ...

    async def receive(self, message: AbstractIncomingMessage) -> None:
        """Take a message; returns when it is settled, or given up with its channel."""
        ...

    async def drain(self) -> None:
        """Wait until nothing is in hand."""
        ...


class OneByOne:
    """Calls ``settle`` for one message after the other, in the order they came."""

    def __init__(self, settle: Callable[[AbstractIncomingMessage], Awaitable[None]], *, prefetch: int = 1) -> None:
        self._settle = settle
        self._turn = asyncio.Lock()
        self.prefetch = prefetch
        self.prefetch_changed = asyncio.Event()
        self.received = 0
        self.in_hand = 0

    def begin(self, give_up: Callable[[], None]) -> None:
        """Nothing to do: what belongs to an older channel fails when it is settled."""

    async def receive(self, message: AbstractIncomingMessage) -> None:
        """Wait for its turn (the lock is fair) and settle it."""
        self.received += 1
        self.in_hand += 1
        try:
            async with self._turn:
                await self._settle(message)
        finally:
            self.in_hand -= 1

    async def drain(self) -> None:
        """Wait for the last turn."""
        async with self._turn:
            pass


class Batches:
    """Calls ``settle`` with what is there, at most ``batch`` deliveries at once, never two calls at a time."""

    def __init__(
        self, settle: Callable[[Sequence[Delivery]], Awaitable[None]], *, queue: str, prefetch: int, batch: int = BATCH
    ) -> None:
        self._settle = settle
        self._queue = queue
        self._most = prefetch
        self._batch = batch
        self._waiting: deque[Delivery] = deque()
        self._lost_before: deque[Delivery] = deque()
        self._at_work: Sequence[Delivery] = ()
        self._some = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._give_up: Callable[[], None] = lambda: None
        self.prefetch = 1
        self.prefetch_changed = asyncio.Event()
        self.received = 0

    @property
    def in_hand(self) -> int:
        """How many messages are not settled yet."""
        return len(self._waiting) + len(self._lost_before) + len(self._at_work)

    def begin(self, give_up: Callable[[], None]) -> None:
        """Drop what waits of an older channel: it is delivered again. Begin with one message at a time."""
        self._give_up = give_up
        self.prefetch = 1
        self.prefetch_changed.clear()
        for delivery in (*self._waiting, *self._lost_before):
            delivery.end()
        self._waiting.clear()
        self._lost_before.clear()

    async def receive(self, message: AbstractIncomingMessage) -> None:
        """Put it with the others and wait until it is settled."""
        delivery = Delivery(message, context.get_current())
        self.received += 1
        if delivery.losses:
            self._lost_before.append(delivery)
        else:
            self._waiting.append(delivery)
            if self.prefetch < self._most:
                self.prefetch = self._most
                self.prefetch_changed.set()
        self._idle.clear()
        self._some.set()
        await delivery.settled

    async def drain(self) -> None:
        """Wait until nothing is in hand."""
        await self._idle.wait()

    async def run(self) -> None:
        """Settle what comes until cancelled; what is at work then is rolled back, and comes again."""
        while True:
            await self._some.wait()
            self._at_work = self._take()
            if not self._at_work:
                self._some.clear()
                self._idle.set()
                continue
            try:
                await self._settle(self._at_work)
            except (*CONNECTION_ERRORS, *UNAVAILABLE, PublishFailed) as error:
                # Not acknowledged: a new channel brings them again, and the inbox drops what was committed.
                log.warning("messages_not_settled", queue=self._queue, error=f"{type(error).__name__}: {error}")
                self._give_up()
            except Exception:
                log.exception("messages_not_settled", queue=self._queue)
                self._give_up()
            finally:
                for delivery in self._at_work:
                    delivery.end()
                self._at_work = ()

    def _take(self) -> list[Delivery]:
        if self._waiting:
            return [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
        if self._lost_before:
            return [self._lost_before.popleft()]
        return []
