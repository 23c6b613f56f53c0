"""From which id on each shard is read: below it nothing can appear any more.

A cursor behind the last row read would skip what commits late; reading from the start would pass over every
deleted row that vacuum may not take yet, which a long transaction anywhere on the server makes hundreds of
thousands. A transaction draws an id while it holds a lock of the table, and keeps the lock to its end: when
all that held one at a moment are over, no row at or below the last id of that moment can appear.
"""

from collections.abc import Iterable, Mapping

from shared.messaging import relay_store as store
from shared.messaging.relay_store import Waiting
from shared.postgres import Connection

PROBE_SECONDS = 0.2


class Floors:
    """The floor of each shard that is read; a new one begins at 0."""

    def __init__(self) -> None:
        self._floors: dict[int, int] = {}
        self._settled = 0
        self._probed: tuple[int, frozenset[str]] | None = None
        self._probe_at = 0.0

    def of(self, shards: Iterable[int]) -> Mapping[int, int]:
        """The floors of these shards; what is not among them is forgotten."""
        self._floors = {shard: self._floors.get(shard, 0) for shard in shards}
        return self._floors

    async def settle(self, connection: Connection, now: float) -> None:
        """Look, from time to time, which ids are settled; before a read."""
        if now < self._probe_at:
            return
        self._probe_at = now + PROBE_SECONDS
        # In this order: who draws a later id is none of ours, who drew an earlier one is seen or over.
        last = await store.last_id(connection)
        writers = await store.read_writers(connection)
        if self._probed is not None and not self._probed[1] & writers:
            self._settled, self._probed = self._probed[0], None
        if self._probed is None:
            self._probed = (last, writers)
        if not writers:
            self._settled = last

    def read(self, rows: Iterable[Waiting], limit: int) -> bool:
        """Raise the floors after a read of at most ``limit`` rows a shard, whose rows are held or marked now.

        Tells whether a shard may have more.
        """
        count: dict[int, int] = {}
        last: dict[int, int] = {}
        for row in rows:
            count[row.shard] = count.get(row.shard, 0) + 1
            last[row.shard] = row.id
        for shard, floor in self._floors.items():
            # A full read may have left rows behind its last one.
            until = last[shard] if count.get(shard, 0) >= limit else self._settled
            self._floors[shard] = max(floor, min(self._settled, until) + 1)
        return any(found >= limit for found in count.values())
