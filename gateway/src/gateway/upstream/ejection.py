"""Outlier ejection: a target that fails again and again gets nothing for a while, longer each time.

As Envoy's outlier detection by consecutive errors, with two differences: the time doubles, and a target that has come
back is ejected again by its first failure, so that a dead one costs one attempt each time and not several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.upstream.outcome import Outcome

if TYPE_CHECKING:
    from gateway.routes.model import EjectionModel

_NEVER = float("-inf")


class Record:
    """What ejection knows of one target; times in seconds of one clock."""

    __slots__ = ("consecutive", "ejected", "returned_at", "times", "total", "until")

    def __init__(self) -> None:
        self.consecutive = 0
        self.ejected = False
        self.until = _NEVER
        self.returned_at = _NEVER
        # How often lately, which is what the time grows by, and how often in all.
        self.times = 0
        self.total = 0


class Ejection:
    """The rule for one upstream of ``count`` targets: at most a share of them is ejected at a time."""

    def __init__(self, model: EjectionModel, count: int) -> None:
        self.model = model
        # One of two or three, but never the only one.
        self.most = min(count - 1, max(1, int(count * model.share)))
        self.ejected = 0

    def judge(self, record: Record, outcome: Outcome, now: float) -> float:
        """Take an attempt's outcome; the seconds for which the target is ejected by it, else 0."""
        if outcome is Outcome.ABANDONED or record.ejected:
            return 0.0
        if outcome is Outcome.ANSWERED:
            record.consecutive = 0
            return 0.0
        record.consecutive += 1
        if record.consecutive < self.model.consecutive or self.ejected >= self.most:
            return 0.0
        return self._eject(record, now)

    def _eject(self, record: Record, now: float) -> float:
        # Each stretch of good time as long as the last ejection forgives one.
        record.times = max(0, record.times - self._good_stretches(record, now)) + 1
        record.total += 1
        seconds = self._seconds(record.times)
        record.ejected, record.until = True, now + seconds
        self.ejected += 1
        return seconds

    def _seconds(self, times: int) -> float:
        return min(self.model.longest, self.model.base * 2 ** min(times - 1, 30))

    def _good_stretches(self, record: Record, now: float) -> int:
        if record.times == 0:
            return 0
        return int(min(record.times, (now - record.returned_at) / self._seconds(record.times)))

    def give_back(self, record: Record, now: float) -> None:
        """The time is over: the target gets attempts again, and the next failure ejects it at once."""
        if record.ejected:
            self.ejected -= 1
            record.ejected, record.returned_at = False, now
            record.consecutive = self.model.consecutive - 1
