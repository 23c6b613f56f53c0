"""Takes what is due and delivers it, some at a time, until told to stop.

Not a type of job: a delivery waits for days, a receiver that is slow must not take the places of reports,
and whose turn it is depends on whose webhook it is (docs/adr/0026).
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import asyncpg
import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation

from reports.delivering.attempt import deliver
from reports.delivering.metrics import DISABLED, IN_HAND, LATE, PENDING
from reports.delivering.posting import Poster
from reports.domain.webhook import DisabledReason
from reports.domain.webhook_turns import Places, share_out
from reports.store import webhook_claims, webhooks
from reports.store.webhook_claims import Claimed
from shared.kept_secrets import SecretBox
from shared.messaging.cancellation import raise_if_cancelled
from shared.postgres import Database
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

POLL_SECONDS = 0.5
OBSERVE_SECONDS = 15.0


class Deliverer:
    """One a process; any number of processes share the deliveries."""

    def __init__(self, database: Database, poster: Poster, box: SecretBox, places: Places) -> None:
        self._database = database
        self._poster = poster
        self._box = box
        self._places = places
        self._woken = asyncio.Event()
        self._in_hand: dict[asyncio.Task[None], Claimed] = {}

    @contextlib.asynccontextmanager
    async def running(self, drain_seconds: float) -> AsyncGenerator[None]:
        """Deliver while the block runs; then finish what is in hand, or give it back after this long."""
        intake = asyncio.create_task(self._run(), name="webhook-deliverer")
        aside = asyncio.create_task(self._observe(), name="webhook-observer")
        try:
            yield
        finally:
            for task in (intake, aside):
                task.cancel()
            await asyncio.gather(intake, aside, return_exceptions=True)
            await self._drain(drain_seconds)

    async def _drain(self, seconds: float) -> None:
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=seconds)
        rest = list(self._in_hand)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                with suppress_instrumentation():
                    claimed = await self._claim()
            except (*UNAVAILABLE, asyncpg.PostgresError) as error:
                log.warning("webhooks_not_claimed", error=f"{type(error).__name__}: {error}")
                claimed = []
            for each in claimed:
                self._begin(each)
            raise_if_cancelled()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()

    async def _claim(self) -> list[Claimed]:
        held = len(self._in_hand)
        if held >= self._places.process:
            return []
        failing = sum(each.failing for each in self._in_hand.values())
        async with self._database.transaction() as connection:
            await webhook_claims.lock_turns(connection)
            waiting = await webhook_claims.read_waiting(connection, self._places.webhook)
            turns = share_out(waiting, self._places, held, failing)
            return await webhook_claims.claim(connection, turns) if turns else []

    def _begin(self, claimed: Claimed) -> None:
        task = asyncio.create_task(
            deliver(self._database, self._poster, self._box, claimed), name=f"webhook-delivery-{claimed.id}"
        )
        self._in_hand[task] = claimed
        IN_HAND.inc()
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        claimed = self._in_hand.pop(task)
        IN_HAND.dec()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease runs out, and it is tried once more.
            log.error("webhook_delivery_broke", delivery_id=claimed.id, exc_info=error)
        self._woken.set()

    async def _observe(self) -> None:
        while True:
            try:
                with suppress_instrumentation():
                    await self._look()
            except Exception:
                log.exception("webhooks_not_observed")
            await asyncio.sleep(OBSERVE_SECONDS)

    async def _look(self) -> None:
        async with self._database.acquire() as connection:
            pending, late = await webhook_claims.observe(connection)
            disabled = await webhooks.count_disabled(connection)
        PENDING.set(pending)
        LATE.set(late)
        for reason in DisabledReason:
            DISABLED.labels(reason.value).set(disabled.get(reason.value, 0))
