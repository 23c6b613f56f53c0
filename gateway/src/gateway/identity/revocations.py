"""Tokens that ended before their time: of a deleted or weakened user, of a session, of a key that was withdrawn.

Their issuer writes each such end into a stream in Redis: ``{user, not_before, generation?, until}`` for a user's tokens
with a lower ``generation``, or where either has none, an ``iat`` up to ``not_before``; ``{session, until}`` for those
with this ``sid``; ``{key, until}`` for those with this ``kid``; times in Unix seconds. It is read as it is written and
from its beginning whenever the connection is new. While Redis is away what is known holds on.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.redis_cluster.key_link import link_to_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.identity.principal import Principal

log = structlog.stdlib.get_logger(__name__)

_BLOCK_MS = 2000
# A reply is due at the end of the block; one that is this late will not come.
_LOST_AFTER = 10.0
_MOST = 200_000
_FEW = 1_000
# In the place of a generation: what ended a user's tokens named none, so times decide.
_BY_TIME = 2**63


class Revocations(Collector):
    """``covers`` costs three look-ups; ``on_news`` is called after each change, for what was verified before."""

    def __init__(self, url: str | None, stream: str, on_news: Callable[[], None], *, most: int = _MOST) -> None:
        self._stream, self._on_news, self._most = stream, on_news, most
        self._loop = asyncio.get_running_loop()
        self.link = link_to_key(url, stream, name="revocations", on_up=self._begin)
        # Without Redis nobody tells us of any: a token ends when it says so.
        self._started = url is None
        self._last: bytes = b"0-0"
        self._timer: asyncio.TimerHandle | None = None
        # By user: tokens up to when, before which generation, and until when that matters. By session, key: until when.
        self._users: dict[str, tuple[int, int, int]] = {}
        self._sessions: dict[str, int] = {}
        self._keys: dict[str, int] = {}
        # With so many it is time to look which have expired.
        self._looked_at = min(_FEW, most + 1)

    def __len__(self) -> int:
        return len(self._users) + len(self._sessions) + len(self._keys)

    def covers(self, principal: Principal) -> bool:
        """Whether the token it was made of has ended."""
        if principal.session in self._sessions or principal.key in self._keys:
            return True
        found = self._users.get(principal.subject)
        if found is None:
            return False
        not_before, generation, _ = found
        if principal.generation is None or generation == _BY_TIME:
            return principal.issued <= not_before
        # Times in whole seconds cannot tell apart what came in one second.
        return principal.generation < generation

    def start(self) -> None:
        """Begin to read, once."""
        if not self._started:
            self._started = True
            self.link.start()

    def stop(self) -> None:
        """Read no further."""
        if self._timer is not None:
            self._timer.cancel()
        self.link.stop()

    def take(self, fields: dict[bytes, bytes]) -> None:
        """One entry of the stream."""
        try:
            until = int(fields[b"until"])
            if b"key" in fields:
                self._keys[fields[b"key"].decode()] = until
            elif b"session" in fields:
                self._sessions[fields[b"session"].decode()] = until
            else:
                user, not_before = fields[b"user"].decode(), int(fields[b"not_before"])
                end = (not_before, int(fields.get(b"generation", _BY_TIME)), until)
                before = self._users.get(user, (0, 0, 0))
                self._users[user] = (max(before[0], end[0]), max(before[1], end[1]), max(before[2], end[2]))
        except (KeyError, ValueError):
            log.warning("revocation_not_understood", fields=sorted(name.decode("latin-1") for name in fields))

    def fit(self) -> None:
        """Without what has expired by itself, and the soonest to expire where that is still too much."""
        if len(self) < self._looked_at:
            return
        now = time.time()
        users = sorted((item for item in self._users.items() if item[1][2] > now), key=lambda item: -item[1][2])
        sessions = sorted((item for item in self._sessions.items() if item[1] > now), key=lambda item: -item[1])
        self._keys = {key: until for key, until in self._keys.items() if until > now}
        # A user's end weighs more than a logout, and the few keys more than either.
        self._users = dict(users[: self._most])
        self._sessions = dict(sessions[: self._most - len(self._users)])
        self._looked_at = min(self._most + 1, max(_FEW, 2 * len(self)))
        dropped = len(users) + len(sessions) + len(self._keys) - len(self)
        if dropped:
            log.error("revocations_dropped", count=dropped, kept=self._most)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """For the registry."""
        yield GaugeMetricFamily("gateway_revoked_tokens", "Users, sessions, keys whose tokens ended early.", len(self))
        yield GaugeMetricFamily("gateway_revocations_up", "1 while they are read from Redis.", int(self.link.up))

    # The stream

    def _begin(self) -> None:
        # What came back may be another Redis, with other numbers.
        self._last = b"0-0"
        self._ask()

    def _ask(self) -> None:
        self._later()
        ask = (b"XREAD", b"COUNT", 1000, b"BLOCK", _BLOCK_MS, b"STREAMS", self._stream, self._last)
        self.link.call(*ask, on_reply=self._on_reply)

    def _on_reply(self, reply: Any) -> None:
        if isinstance(reply, Exception):
            # The link tells when it is up again; a refused command would be refused again at once.
            self._later()
            return
        for _, entries in reply or ():
            for number, fields in entries:
                self._last = number
                self.take(dict(zip(fields[::2], fields[1::2], strict=True)))
            self.fit()
            self._on_news()
        self._ask()

    def _later(self) -> None:
        """Give the connection up when nothing comes: a peer that vanished says no goodbye."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(_LOST_AFTER, self.link.drop)
