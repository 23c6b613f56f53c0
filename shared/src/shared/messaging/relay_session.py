"""What the relay does while it has a line to the broker: read, publish, delete, each while the others are under way."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog
from opentelemetry.trace import Span

from shared.messaging import relay_store as store
from shared.messaging.cancellation import raise_if_cancelled
from shared.messaging.confirms import Outcome
from shared.messaging.metrics import PUBLISH_FAILURES, PUBLISHED
from shared.messaging.outbox import OutboxMessage
from shared.messaging.publish_frames import UnencodableMessage, encode_publish
from shared.messaging.publish_spans import end_publish_span, start_publish_span
from shared.messaging.publisher import Publisher
from shared.messaging.relay_floors import Floors
from shared.messaging.relay_shards import Shards
from shared.messaging.relay_store import Waiting
from shared.messaging.relay_window import Window
from shared.messaging.topology import EVENTS, entry_exchange, own_exchange
from shared.postgres import Connection

log = structlog.stdlib.get_logger(__name__)

POLL_SECONDS = 1.0
_BLOCKED_SECONDS = 0.25
_WITH_BROKER = 4
_MOST_HELD = 20_000
_MOST_BYTES = 8_000_000
_REFUSED_FIRST = timedelta(seconds=1)
_REFUSED_MOST = timedelta(minutes=1)


class Session:
    """Ends by an exception only. ``suspects`` are rows one of which made the broker close a channel."""

    def __init__(
        self,
        connection: Connection,
        shards: Shards,
        *,
        service: str,
        batch: int,
        suspects: set[int],
        declare: Callable[[], Awaitable[None]],
    ) -> None:
        self._declare = declare
        self._service = service
        self._connection = connection
        self._shards = shards
        self._batch = batch
        self._suspects = suspects
        self._window = Window()
        self._floors = Floors()
        self._spans: dict[int, Span] = {}
        self._with_broker: set[int] = set()
        self._woken = asyncio.Event()
        self._more = True
        self._look_at = 0.0

    @property
    def with_broker(self) -> set[int]:
        """Rows whose outcome is not known."""
        return self._with_broker

    def wake(self) -> None:
        """There may be more to read."""
        self._more = True
        self._woken.set()

    def wake_to_look(self) -> None:
        """Something came of what is with the broker."""
        self._woken.set()

    def settled(self, outcomes: Sequence[tuple[int, Outcome]]) -> None:
        """Take what became of publications."""
        counted: Counter[str] = Counter()
        for row_id, outcome in outcomes:
            self._with_broker.discard(row_id)
            self._suspects.discard(row_id)
            if outcome == "confirmed":
                counted[self._window.confirm(row_id).message.routing_key] += 1
            else:
                self._window.refuse(row_id, outcome)
                PUBLISH_FAILURES.labels(outcome).inc()
            if self._spans:
                end_publish_span(self._spans.pop(row_id, None), outcome)
        for routing_key, count in counted.items():
            PUBLISHED.labels(routing_key).inc(count)
        self._woken.set()

    async def run(self, publisher: Publisher, *, observe: Callable[[], Awaitable[None]]) -> None:
        """Publish what waits. Raises PublishFailed when the line is lost."""
        loop = asyncio.get_running_loop()
        while True:
            raise_if_cancelled()
            self._woken.clear()
            await publisher.check()
            now = loop.time()
            if now >= self._look_at:
                self._look_at = now + POLL_SECONDS
                await observe()
                await self._shards.balance(self._window.holds)
                await self._read_due()
                self._more = True
            await self._write_down(all_of_it=not publisher.in_flight)
            if self._more and self._has_room(publisher):
                await self._read(now)
            blocked = not await self._send(publisher)
            if not (self._more and self._has_room(publisher)):
                await self._wait(publisher, _BLOCKED_SECONDS if blocked else POLL_SECONDS)

    async def write_down_the_rest(self) -> None:
        """Delete what was confirmed before the end."""
        await self._write_down(all_of_it=True)

    async def hold_alone(self, row_id: int) -> None:
        """The broker closed the channel over this row: hold it, and let its subject wait."""
        self._window.refuse(row_id, "the broker closed the channel over it")
        PUBLISH_FAILURES.labels("refused").inc()
        await self._write_down(all_of_it=True)

    def _has_room(self, publisher: Publisher) -> bool:
        with_broker = publisher.in_flight < _WITH_BROKER * self._batch
        return with_broker and not self._window.ready and len(self._window) < _MOST_HELD

    async def _wait(self, publisher: Publisher, seconds: float) -> None:
        """Until there is work for the database; what becomes ready meanwhile is sent."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not self._has_to_write(publisher) and not (self._more and self._has_room(publisher)):
            try:
                async with asyncio.timeout_at(deadline):
                    await self._woken.wait()
            except TimeoutError:
                return
            raise_if_cancelled()
            self._woken.clear()
            await publisher.check()
            await self._send(publisher)

    def _has_to_write(self, publisher: Publisher) -> bool:
        confirmed = self._window.confirmed
        return self._window.refused or confirmed >= self._batch or (confirmed > 0 and not publisher.in_flight)

    async def _read(self, now: float) -> None:
        floors = self._floors.of(self._shards.led - self._shards.leaving)
        self._more = False
        if not floors:
            return
        await self._floors.settle(self._connection, now)
        limit = max(1, 2 * self._batch // len(floors))
        rows = await store.read_waiting(self._connection, floors, self._window.ids, limit)
        self._window.add(row for row in rows if row.behind is None)
        behind = {row.id: row.behind for row in rows if row.behind is not None}
        if behind:
            await store.mark_behind(self._connection, behind)
        # A wake-up during the read stays.
        self._more = self._floors.read(rows, limit) or self._more
        if not self._more and self._suspects:
            # Another instance may have taken their shard.
            self._suspects.intersection_update(self._window.ids)

    async def _read_due(self) -> None:
        led = list(self._shards.led - self._shards.leaving)
        if not led:
            return
        self._window.add(await store.read_due(self._connection, led, self._window.ids, self._batch))

    async def _send(self, publisher: Publisher) -> bool:
        """Send what is ready and has room; False when the broker takes nothing now."""
        room = _WITH_BROKER * self._batch - publisher.in_flight
        if self._suspects:
            room = 1 - publisher.in_flight
        if room <= 0 or not self._window.ready:
            return True
        if not await publisher.may_publish():
            return False
        publications: list[tuple[int, str, bytes]] = []
        for row in self._window.take(min(room, self._batch), _MOST_BYTES):
            span, traceparent = start_publish_span(row.message)
            try:
                frames = encode_publish(
                    row.message,
                    traceparent,
                    exchange=way_in(row.message, self._service),
                    channel=publisher.channel,
                    frame_max=publisher.frame_max,
                )
            except UnencodableMessage as error:
                end_publish_span(span, "refused")
                self._window.refuse(row.id, str(error))
                PUBLISH_FAILURES.labels("refused").inc()
                continue
            if span is not None:
                self._spans[row.id] = span
            self._with_broker.add(row.id)
            publications.append((row.id, str(row.message.message_id), frames))
        if publications:
            await publisher.send(publications)
        return True

    async def _write_down(self, *, all_of_it: bool) -> None:
        if self._window.confirmed >= self._batch or (all_of_it and self._window.confirmed):
            confirmed = self._window.take_confirmed()
            await store.delete_published(self._connection, confirmed)
            self._window.forget(confirmed)
        if self._window.refused:
            await self._hold(self._window.take_refused())

    async def _hold(self, refused: Sequence[tuple[Waiting, str, list[int]]]) -> None:
        pauses = {row.id: refusal_pause(row, reason) for row, reason, _ in refused}
        retries = await store.mark_refused(self._connection, pauses)
        behind = {later: retries[row.id] for row, _, waiting in refused for later in waiting if row.id in retries}
        if behind:
            await store.mark_behind(self._connection, behind)
        self._window.forget([*pauses, *(later for _, _, waiting in refused for later in waiting)])
        if any(reason == "unroutable" for _, reason, _ in refused):
            await self._declare()


def way_in(message: OutboxMessage, service: str) -> str:
    """The exchange that leads the message to the one it names: a service may write to its own alone."""
    ways = {EVENTS: entry_exchange(service), "": own_exchange(message.routing_key)}
    return ways.get(message.exchange, message.exchange)


def refusal_pause(row: Waiting, reason: str) -> timedelta:
    """For how long a refused row is held, and a line in the log."""
    pause = min(_REFUSED_MOST, _REFUSED_FIRST * 2 ** min(row.attempts, 10))
    log.error(
        "message_refused",
        message_id=str(row.message.message_id),
        routing_key=row.message.routing_key,
        error=reason,
        attempts=row.attempts + 1,
        retry_in=pause.total_seconds(),
    )
    return pause
