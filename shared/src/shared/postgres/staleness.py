"""How old what a replica shows may be, by the one clock of this process.

The primary's place in its log is noted with the time; the replica shows at least what the primary had at the last
noted place that it has replayed. So neither the servers' clocks nor their rights matter, a replica that was cut off
grows old, and one of an idle primary does not.
"""

from collections import deque
from math import inf

_MOST_MARKS = 600


class Staleness:
    """Notes places of the primary's log, in bytes, and what of them the replica has replayed. Times are in seconds."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=_MOST_MARKS)
        self._as_of = -inf

    def primary_was_at(self, place: int, at: float) -> None:
        """The primary's log had come so far at this time, or farther."""
        self._marks.append((at, place))

    def replica_is_at(self, place: int) -> None:
        """The replica has replayed so far."""
        while self._marks and self._marks[0][1] <= place:
            self._as_of = self._marks.popleft()[0]

    def lost(self) -> None:
        """Nothing is known of the replica any more."""
        self._marks.clear()
        self._as_of = -inf

    def at(self, now: float) -> float:
        """Seconds that what the replica shows may be old; infinite when nothing is known."""
        return now - self._as_of
