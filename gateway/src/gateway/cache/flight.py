"""One fetch a key: who comes while it is under way waits for it in a list, without a task or a future."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.cache.caching import Caching
    from gateway.cache.entry import Entry, Key
    from gateway.problem import Refusal


class Flight:
    """A fetch that others may wait for. ``began`` is in the loop's time."""

    __slots__ = ("_followers", "began", "key", "over")

    def __init__(self, key: Key, began: float) -> None:
        self.key = key
        self.began = began
        self.over = False
        self._followers: list[Caching] = []

    def join(self, follower: Caching) -> None:
        """Wait for its end."""
        self._followers.append(follower)

    def landed(self, entry: Entry) -> None:
        """Each follower gets its own answer from the entry, or fetches where the entry is not for it."""
        for follower in self._end():
            follower.on_landed(entry)

    def failed(self, refusal: Refusal | None) -> None:
        """The service did not answer: asking it again for each follower would be the stampede after all."""
        for follower in self._end():
            follower.on_failed(refusal)

    def useless(self, *, again: bool) -> None:
        """Nothing to share. ``again``: one of the followers leads anew, else each fetches by itself."""
        for follower in self._end():
            follower.on_useless(again=again)

    def _end(self) -> list[Caching]:
        self.over = True
        followers, self._followers = self._followers, []
        return [follower for follower in followers if follower.waits]
