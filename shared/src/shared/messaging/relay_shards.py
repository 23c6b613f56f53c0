"""Which shards of the outbox this process publishes: a fair share of them, each by a session lock.

The locks end with the connection, so who is cut off leads no more. Every relay that can publish holds a shared
lock too, by which they know how many they are. It is the one that the release before shards took for itself
alone: old and new never publish at the same time.

A process that lost its locks without knowing it may still publish what it had read, in order and each after the
confirm of the one before; the first copy of each message on the wire keeps the order, and the inbox drops the rest.
"""

import random
from collections.abc import Callable

from shared.messaging.metrics import OUTBOX_SHARDS
from shared.messaging.relay_store import SHARDS
from shared.postgres import Connection

_PRESENCE = "hashtextextended('outbox:' || current_schema(), 0)"
_SHARD = "hashtextextended('outbox:' || current_schema() || ':' || $1::text, 0)"
_JOIN = f"SELECT pg_try_advisory_lock_shared({_PRESENCE})"
_LEAVE = "SELECT pg_advisory_unlock_all()"
_LEAD = f"SELECT pg_try_advisory_lock({_SHARD})"
_RELEASE = f"SELECT pg_advisory_unlock({_SHARD})"
_MEMBERS = f"""
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32) | objid::bigint = {_PRESENCE}
"""  # noqa: S608 - a constant


class Shards:
    """The shards led on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._joined = False
        self.led: set[int] = set()
        self.leaving: set[int] = set()

    async def balance(self, busy: Callable[[int], bool]) -> None:
        """Come nearer to a fair share: take what is free, or give up what is too much.

        What is given up is read no more (``leaving``), and released once it is not ``busy``: nothing of it is
        with the broker.
        """
        if not self._joined:
            self._joined = await self._connection.fetchval(_JOIN)
            if not self._joined:
                return
        members: int = await self._connection.fetchval(_MEMBERS)
        share = -(-SHARDS // max(1, members))
        kept = self.led - self.leaving
        for shard in random.sample(sorted(kept), max(0, len(kept) - share)):
            self.leaving.add(shard)
        for shard in [shard for shard in self.leaving if not busy(shard)]:
            await self._connection.execute(_RELEASE, str(shard))
            self.leaving.discard(shard)
            self.led.discard(shard)
        if not self.leaving:
            await self._take(share)
        self._tell()

    async def _take(self, share: int) -> None:
        # Each begins elsewhere, so that they hardly ask for the same.
        for shard in random.sample(range(SHARDS), SHARDS):
            if len(self.led) >= share:
                return
            if shard not in self.led and await self._connection.fetchval(_LEAD, str(shard)):
                self.led.add(shard)

    async def leave(self) -> None:
        """Publish nothing any more: the others take over."""
        if self._joined:
            await self._connection.execute(_LEAVE)
        self._joined = False
        self.led.clear()
        self.leaving.clear()
        self._tell()

    def _tell(self) -> None:
        OUTBOX_SHARDS.set(len(self.led))
