"""Kept answers in Redis, for all gateway processes and those that start later. Redis away or late is a miss.

A key an answer (the last of its variants), each with an end. Beside it each path has a generation, and so have all
together: an answer counts only under the generations that its fetch began with, so that what was asked for before a
change can neither be read nor written after it.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from gateway.cache.cluster_store import ClusterStore
from gateway.cache.encoded import decode, encode
from gateway.cache.stores import LONGEST_MS, Generation, OneServer, ignored
from gateway.limits.patience import Patience
from gateway.redis_cluster.address import is_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.cache.entry import Entry, Key
    from gateway.cache.stores import Store

# Beyond its uses an answer stays so long to be asked about again.
_VALIDATED_MS = 60_000
# A connection whose reply is later than that is given up.
_LOST_AFTER = 1.0
_OWED = 1000


class SecondTier:
    """Callbacks only; ``sender`` names this process in the news it sends. A request waits ``patience`` seconds."""

    def __init__(self, url: str, patience: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.patience = patience
        self.sender = secrets.token_hex(8).encode()
        self._store: Store = (ClusterStore if is_cluster(url) else OneServer)(url, self._pay)
        self.link = self._store.link
        self._late: set[object] = set()
        # Changes that Redis has not been told of; None for so many that all must go.
        self._owed: set[bytes] | None = set()

    @property
    def up(self) -> bool:
        """Whether Redis answers."""
        return self.link.up and not self._late

    def get(self, key: Key, path: bytes, then: Callable[[Entry | None, Generation | None], None]) -> None:
        """What is kept, and under which generations something may be put; both None when Redis does not say."""
        asked = _Asked(self, key, path, then)
        asked.give_up = self._store.read(key, path, asked.on_reply)

    def put(self, entry: Entry, generation: Generation, now: float) -> None:
        """Keep it unless its path has changed since ``generation`` was read."""
        uses = max(entry.fresh_until, entry.stale_until, entry.error_until) - now
        ttl = min(LONGEST_MS, max(0, int(uses * 1000)) + _VALIDATED_MS)
        self._store.write(entry.key, entry.path, generation, b"%b %b\n%b" % (*generation, encode(entry)), ttl)

    def invalidate(self, path: bytes) -> None:
        """Nothing that is kept of the path counts, here and in the other processes."""
        if not self.link.up:
            self._owe(path)
            return
        told = _Told(self, path)
        self._store.renew(path, secrets.token_hex(8), told.on_reply)
        self._store.tell(self.sender, b"path", path, told.on_reply)

    def purge(self, prefix: bytes) -> None:
        """Paths that begin so are forgotten by all processes; Redis forgets all, for it has no list of paths."""
        if not self.link.up:
            self._owed = None
            return
        self._store.renew(None, secrets.token_hex(8), self._on_purged)
        self._store.tell(self.sender, b"prefix", prefix, ignored)

    def _on_purged(self, reply: Any) -> None:
        if isinstance(reply, Exception):
            self._owed = None

    def _owe(self, path: bytes) -> None:
        if self._owed is not None:
            self._owed.add(path)
            if len(self._owed) > _OWED:
                self._owed = None

    def untold(self, path: bytes) -> None:
        """Redis was lost over it."""
        self._owe(path)

    def _pay(self) -> None:
        """The link is up again: what changed meanwhile."""
        owed, self._owed = self._owed, set()
        if owed is None:
            self.purge(b"/")
            return
        for path in owed:
            self.invalidate(path)

    def on_late(self, asked: object) -> None:
        """A reply is overdue: until it is there nobody else waits."""
        self._late.add(asked)

    def caught_up(self, asked: object) -> None:
        """It came, or will not."""
        self._late.discard(asked)


class _Asked:
    """One question and its patience."""

    def __init__(
        self, tier: SecondTier, key: Key, path: bytes, then: Callable[[Entry | None, Generation | None], None]
    ) -> None:
        self._tier, self._key, self._path = tier, key, path
        self._then: Callable[[Entry | None, Generation | None], None] | None = then
        self._loop = asyncio.get_running_loop()
        self.give_up: Callable[[], None] = _nothing
        self._timer: Patience | asyncio.TimerHandle = Patience(self._loop, tier.patience, self._on_late)

    def _on_late(self) -> None:
        self._tier.on_late(self)
        self._timer = self._loop.call_later(_LOST_AFTER, self.give_up)
        self._answer(None, None)

    def on_reply(self, reply: Any) -> None:
        self._timer.cancel()
        self._tier.caught_up(self)
        if isinstance(reply, Exception):
            self._answer(None, None)
            return
        value, *generations = reply
        path, everything = (generation or b"" for generation in generations)
        under, _, encoded = (value or b"").partition(b"\n")
        entry = decode(self._key, self._path, encoded) if under == b"%b %b" % (path, everything) else None
        self._answer(entry, (path, everything))

    def _answer(self, entry: Entry | None, generation: Generation | None) -> None:
        then, self._then = self._then, None
        if then is not None:
            then(entry, generation)


class _Told:
    """Whether Redis heard of one change."""

    def __init__(self, tier: SecondTier, path: bytes) -> None:
        self._tier, self._path = tier, path

    def on_reply(self, reply: Any) -> None:
        if isinstance(reply, Exception):
            self._tier.untold(self._path)


def _nothing() -> None:
    pass
