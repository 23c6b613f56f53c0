"""Kept answers in process, bounded by bytes; what goes first is chosen by SIEVE.

SIEVE (Zhang et al., NSDI 2024) keeps a line in order of arrival and a hand that moves from old to new and takes out
what was not asked for since it last came by. A hit writes one flag where LRU would move a link, and a crawl or a flood
of made-up keys, each asked for once, goes before what is really used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.cache.entry import Entry, Key

# Of one URI. More values of the headers that an answer varies by push the oldest out (a flood of them stays here).
_VARIANTS = 16


class Memory:
    """Entries by key (newest first) and keys by path, so that a path is dropped with all its queries and hosts."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.evicted = 0
        self.entries: dict[Key, list[Entry]] = {}
        self._paths: dict[bytes, set[Key]] = {}
        self._newest: Entry | None = None
        self._oldest: Entry | None = None
        self._hand: Entry | None = None

    def __len__(self) -> int:
        return sum(map(len, self.entries.values()))

    def put(self, entry: Entry) -> bool:
        """Keep it in place of what was kept for the same request headers; False when it is too large at all."""
        if entry.size > self.limit // 4:
            return False
        present = self.entries.get(entry.key, [])
        for old in [old for old in present if old.vary == entry.vary] or present[_VARIANTS - 1 :]:
            self.drop(old)
        self.entries.setdefault(entry.key, []).insert(0, entry)
        self._paths.setdefault(entry.path, set()).add(entry.key)
        entry.older, entry.newer = self._newest, None
        if self._newest is not None:
            self._newest.newer = entry
        self._newest = entry
        if self._oldest is None:
            self._oldest = entry
        self.used += entry.size
        self.fit()
        return True

    def grow(self, entry: Entry, size: int) -> None:
        """A kept entry got a compressed copy of so many bytes."""
        if self.holds(entry):
            entry.size += size
            self.used += size
            self.fit()

    def holds(self, entry: Entry) -> bool:
        """Whether it is still kept."""
        return any(kept is entry for kept in self.entries.get(entry.key, ()))

    def drop(self, entry: Entry) -> None:
        """Forget one that is kept."""
        kept = self.entries[entry.key]
        kept.remove(entry)
        if not kept:
            del self.entries[entry.key]
            keys = self._paths[entry.path]
            keys.discard(entry.key)
            if not keys:
                del self._paths[entry.path]
        if self._hand is entry:
            self._hand = entry.newer
        if entry.newer is not None:
            entry.newer.older = entry.older
        else:
            self._newest = entry.older
        if entry.older is not None:
            entry.older.newer = entry.newer
        else:
            self._oldest = entry.newer
        entry.newer = entry.older = None
        self.used -= entry.size

    def drop_path(self, path: bytes) -> int:
        """Forget all of a path, whatever the host and the query; how many went."""
        gone = [entry for key in self._paths.get(path, ()) for entry in self.entries[key]]
        for entry in gone:
            self.drop(entry)
        return len(gone)

    def drop_prefix(self, prefix: bytes) -> int:
        """Forget all paths that begin so; how many entries went."""
        return sum(self.drop_path(path) for path in [path for path in self._paths if path.startswith(prefix)])

    def fit(self) -> None:
        """Evict until the bytes fit."""
        while self.used > self.limit and self._oldest is not None:
            hand = self._hand or self._oldest
            while hand.hit:
                hand.hit = False
                hand = hand.newer or self._oldest
            self._hand = hand.newer
            self.evicted += 1
            self.drop(hand)
