"""Tokens that ended before their time: of a deleted or weakened user, of a session, of a key that was withdrawn.

The service that issues tokens writes each such end into a Redis stream; every process that verifies tokens
reads it once a second and keeps in memory what still matters. A request costs no round trip, and while Redis
is away what is known stays known. Whoever is no Python process of ours can read the same stream:

``tokens:revoked``   entries ``{user, not_before, generation?, until}`` (a user's tokens have ended whose claim
                     ``generation`` is lower, or where either has none, whose ``iat`` is not after
                     ``not_before``), ``{session, until}`` (tokens with this ``sid``) or ``{key, until}``
                     (tokens with this ``kid``); times in Unix seconds. After ``until`` the last of these
                     tokens has expired and the entry means nothing.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Counter, Gauge
from redis.asyncio import Redis

from shared.messaging.cancellation import raise_if_cancelled
from shared.redis_client import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)

REVOKED_STREAM = "tokens:revoked"
LOOK_SECONDS = 1.0
_RESYNC_LOOKS = 30
"""Looks between two readings of the whole stream, which a Redis that came back with less may have renumbered."""
_BATCH = 1000
_MOST_HELD = 200_000

HELD = Gauge("revoked_tokens_held", "Users, sessions and keys whose tokens ended early, as this process knows them.")
READ_AT = Gauge("revoked_tokens_read_timestamp_seconds", "When the list of revoked tokens was last read.")
DROPPED = Counter("revoked_tokens_dropped_total", "Revocations forgotten early because there were too many.")

KeyT = TypeVar("KeyT", int, str)


_BY_TIME = 2**63
"""In the place of a generation: what ended a user's tokens named none."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """A user's tokens before a ``generation``, or issued up to ``not_before``; or of a session or key; Unix seconds."""

    user_id: int
    session: str | None
    not_before: int
    until: int
    generation: int | None = None
    key_id: str | None = None

    @classmethod
    def of_key(cls, key_id: str, *, until: int) -> "Revocation":
        """All tokens that name this key."""
        return cls(0, None, 0, until, key_id=key_id)

    def fields(self) -> dict[Any, Any]:
        """The entry of the stream."""
        if self.key_id is not None:
            return {"key": self.key_id, "until": self.until}
        if self.session is not None:
            return {"session": self.session, "until": self.until}
        entry = {"user": self.user_id, "not_before": self.not_before, "until": self.until}
        return entry if self.generation is None else {**entry, "generation": self.generation}


@dataclass(frozen=True, slots=True)
class _UserEnd:
    not_before: int
    generation: int
    until: int

    def joined(self, other: "_UserEnd") -> "_UserEnd":
        """Both: what either ends."""
        return _UserEnd(
            max(self.not_before, other.not_before),
            max(self.generation, other.generation),
            max(self.until, other.until),
        )

    def covers(self, issued_at: int, generation: int | None) -> bool:
        """By the generation where both have one: times in whole seconds cannot tell apart what came in one second."""
        if generation is None or self.generation == _BY_TIME:
            return issued_at <= self.not_before
        return generation < self.generation


async def add_revocations(redis: Redis, revocations: list[Revocation], *, kept_seconds: int) -> None:
    """Write entries, and drop those older than ``kept_seconds``, the longest life of a token."""
    oldest = int((time.time() - kept_seconds) * 1000)
    async with redis.pipeline(transaction=False) as pipe:
        for revocation in revocations:
            pipe.xadd(REVOKED_STREAM, revocation.fields(), minid=oldest, approximate=False)
        await pipe.execute()


class RevokedTokens:
    """What this process knows of tokens that have ended early; bounded, and without what has expired."""

    def __init__(self, redis: Redis, *, clock: Callable[[], float] = time.time, most_held: int = _MOST_HELD) -> None:
        self._redis = redis
        self._clock = clock
        self._most_held = most_held
        self._users: dict[int, _UserEnd] = {}
        self._sessions: dict[str, int] = {}
        self._keys: dict[str, int] = {}
        self._last = "0-0"

    def covers(
        self,
        user_id: int,
        session: str | None,
        issued_at: int,
        *,
        generation: int | None = None,
        key_id: str | None = None,
    ) -> bool:
        """Whether a token with these claims and this ``kid`` has ended, whatever its ``exp`` says."""
        if key_id in self._keys or (session is not None and session in self._sessions):
            return True
        found = self._users.get(user_id)
        return found is not None and found.covers(issued_at, generation)

    async def read(self) -> None:
        """Take over what is new in the stream."""
        while True:
            found: Any = await self._redis.xread({REVOKED_STREAM: self._last}, count=_BATCH)
            entries: list[tuple[bytes, dict[bytes, bytes]]] = found[0][1] if found else []
            for entry_id, fields in entries:
                self._last = entry_id.decode()
                self._take({name.decode("latin-1"): value.decode("latin-1") for name, value in fields.items()})
            if len(self._users) + len(self._sessions) > self._most_held:
                self._forget_expired()
            if len(entries) < _BATCH:
                break
        HELD.set(len(self._users) + len(self._sessions) + len(self._keys))
        READ_AT.set(self._clock())

    async def resync(self) -> None:
        """Read the stream from its beginning; what is known stays until it expires."""
        self._forget_expired()
        self._last = "0-0"
        await self.read()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep reading while the block runs."""
        task = asyncio.create_task(self._run(), name="revoked-tokens")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        looks = 0
        while True:
            try:
                with suppress_instrumentation():
                    await (self.read() if looks % _RESYNC_LOOKS else self.resync())
                looks += 1
            except UNAVAILABLE as error:
                looks = 0  # what comes back may be another Redis
                log.warning("revoked_tokens_not_read", error=str(error))
            except Exception:
                looks = 0
                log.exception("revoked_tokens_not_read")
            raise_if_cancelled()
            await asyncio.sleep(LOOK_SECONDS)

    def _take(self, fields: dict[str, str]) -> None:
        try:
            until = int(fields["until"])
            if "key" in fields:
                self._keys[fields["key"]] = until
            elif "session" in fields:
                self._sessions[fields["session"]] = until
            else:
                generation = int(fields.get("generation", _BY_TIME))
                user_id, end = int(fields["user"]), _UserEnd(int(fields["not_before"]), generation, until)
                before = self._users.get(user_id)
                self._users[user_id] = before.joined(end) if before else end
        except (KeyError, ValueError):
            log.warning("revocation_not_understood", fields=sorted(fields))

    def _forget_expired(self) -> None:
        now = self._clock()
        self._users = {key: value for key, value in self._users.items() if value.until > now}
        self._sessions = {key: until for key, until in self._sessions.items() if until > now}
        self._keys = {key: until for key, until in self._keys.items() if until > now}
        # A user's end weighs more than a logout, so sessions go first.
        room = max(0, self._most_held - len(self._users))
        dropped = _keep_last(self._sessions, room, lambda until: until)
        dropped += _keep_last(self._users, self._most_held, lambda end: end.until)
        if dropped:
            DROPPED.inc(dropped)
            log.error("revocations_dropped", count=dropped, kept=self._most_held)


ValueT = TypeVar("ValueT")


def _keep_last(found: dict[KeyT, ValueT], most: int, until: Callable[[ValueT], int]) -> int:
    """Remove the entries that end first until ``most`` are left; returns how many went."""
    surplus = max(0, len(found) - most)
    for key in sorted(found, key=lambda key: until(found[key]))[:surplus] if surplus else ():
        del found[key]
    return surplus
