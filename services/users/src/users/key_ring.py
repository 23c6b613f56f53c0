"""The ring of signing keys as one process of the API has it: what it signs with, publishes and verifies by.

Read from Postgres each second. Between two readings, and while Postgres is away, times alone decide
(``users.domain.signing_keys``): so all processes change keys at one moment, as far as their clocks agree.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import jwt
import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation

from shared.messaging.cancellation import raise_if_cancelled
from shared.postgres import Connection, Database
from shared.postgres.database import UNAVAILABLE
from shared.problems import Unavailable
from users import key_metrics, key_rotation
from users.domain.signing_keys import LATE, KeyRecord, KeyState, in_state, next_change
from users.key_rotation import Ring
from users.signing_key import SigningKey, UnusableKeyError
from users.signing_settings import SigningSettings
from users.store import signing_keys as store

log = structlog.stdlib.get_logger(__name__)

INTERVAL_SECONDS = 1.0
_MAY_SIGN = frozenset({KeyState.NEXT, KeyState.ACTIVE})


@dataclass(frozen=True, slots=True)
class _Held:
    record: KeyRecord
    verifying: jwt.PyJWK
    private: SigningKey | None


class KeyRing:
    """A source of keys for verifying our own tokens, and of the one that signs; ``first`` is for an empty ring.

    ``clock`` gives Unix seconds.
    """

    def __init__(
        self, settings: SigningSettings, *, first: SigningKey | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._ring = Ring.of(settings)
        self._first = first
        self._clock = clock
        self._held: dict[str, _Held] = {}

    async def open(self, database: Database) -> None:
        """Read the ring, and make its first key where there is none.

        Raises UnusableKeyError when the key that signs, or will, does not open with ``SIGNING_KEYS_KEY``.
        """
        async with database.transaction() as connection:
            await key_rotation.make_first(connection, self._ring, self._first, self.now())
            unreadable = await self.refresh(connection)
        if unreadable is not None:
            raise unreadable

    async def refresh(self, connection: Connection) -> UnusableKeyError | None:
        """Take the ring over as it is now; why a key that may sign cannot be used here, if one cannot."""
        now, before = self.now(), self._held
        held: dict[str, _Held] = {}
        unreadable: UnusableKeyError | None = None
        count = 0
        for record in await store.live(connection, now):
            known = before.get(record.key_id)
            # The same object for the same key: what was verified by it stays verified.
            verifying = known.verifying if known else jwt.PyJWK.from_dict(record.public_jwk)
            private = known.private if known else None
            if private is None and record.sealed_private is not None and record.state_at(now) in _MAY_SIGN:
                try:
                    private = self._ring.box.open(record.sealed_private, record.key_id)
                except UnusableKeyError as error:
                    unreadable, count = error, count + 1
            held[record.key_id] = _Held(record, verifying, private)
        if unreadable is not None:
            log.error("signing_key_unreadable", error=str(unreadable))
        self._held = held
        self._measure(now, count)
        return unreadable

    @asynccontextmanager
    async def kept_fresh(self, database: Database) -> AsyncGenerator[None]:
        """Read the ring each second while the block runs."""
        task = asyncio.create_task(self._keep_fresh(database), name="signing-keys")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def now(self) -> datetime:
        """The time by which the keys are judged."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def signing(self) -> SigningKey:
        """The key to sign with now: the newest whose time has come, of those that open here.

        Raises Unavailable when a token of the best would be refused before it expires.
        """
        now = self.now()
        usable = [held for held in self._held.values() if held.private and held.record.withdrawn_at is None]
        begun = [held for held in usable if held.record.signs_from <= now]
        # A ring whose only key was made by a clock that is ahead of ours has none that has begun.
        best = max(begun, key=_begins) if begun else min(usable, key=_begins, default=None)
        until = best.record.signs_until if best else None
        if best is None or best.private is None or (until is not None and now >= until + LATE):
            raise Unavailable("signing_unavailable", "Tokens cannot be issued right now. Try again.")
        return best.private

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The public key by its id, as a KeySource gives it."""
        held = self._held.get(key_id)
        return held.verifying if held and held.record.state_at(self.now()) is not KeyState.GONE else None

    def published(self) -> list[dict[str, str]]:
        """The public keys as JWK, in the order in which they sign."""
        now = self.now()
        records = [held.record for held in self._held.values()]
        return [record.public_jwk for record in records if record.state_at(now) is not KeyState.GONE]

    async def _keep_fresh(self, database: Database) -> None:
        while True:
            raise_if_cancelled()
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                with suppress_instrumentation():
                    async with database.acquire() as connection:
                        await self.refresh(connection)
            except UNAVAILABLE as error:
                log.warning("signing_keys_not_read", error=f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("signing_keys_not_read")

    def _measure(self, now: datetime, unreadable: int) -> None:
        records = [held.record for held in self._held.values()]
        active = in_state(records, KeyState.ACTIVE, now)
        following = next_change(records, now, self._ring.settings.period)
        key_metrics.AGE.set((now - active.signs_from).total_seconds() if active else 0)
        key_metrics.NEXT.set(following.timestamp() if following else 0)
        key_metrics.PUBLISHED.set(len(records))
        key_metrics.UNREADABLE.set(unreadable)
        key_metrics.READ_AT.set(now.timestamp())


def _begins(held: _Held) -> datetime:
    return held.record.signs_from
