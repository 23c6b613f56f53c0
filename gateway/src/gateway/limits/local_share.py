"""The limits of one process alone, for the time Redis is away: each client gets a share of its quota here."""

import time

from gateway.limits.verdict import Check, Reading

_BUCKETS = 60
_MAX_KEYS = 50_000


class LocalShare:
    """The same sliding window as the script's, in memory and bounded."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._used: dict[str, dict[int, int]] = {}

    def scaled(self, check: Check) -> Check:
        """The check with this process's share of the quota."""
        return Check(check.policy, check.key, max(1, int(check.quota * self._share)), check.window)

    def take(self, checks: list[Check]) -> tuple[bool, list[Reading]]:
        """Charge all of ``checks`` (already scaled) or none."""
        now = time.monotonic()
        readings: list[Reading] = []
        counted: list[tuple[dict[int, int], int]] = []
        for check in checks:
            width = check.window / _BUCKETS
            bucket = int(now / width)
            buckets = self._buckets(check.key)
            for old in [number for number in buckets if number < bucket - _BUCKETS]:
                del buckets[old]
            oldest = min(buckets, default=bucket)
            remaining = check.quota - sum(buckets.values())
            readings.append(Reading(remaining, (oldest + _BUCKETS + 1) * width - now))
            counted.append((buckets, bucket))
        if any(reading.remaining <= 0 for reading in readings):
            return False, readings
        for buckets, bucket in counted:
            buckets[bucket] = buckets.get(bucket, 0) + 1
        return True, [Reading(reading.remaining - 1, reading.reset) for reading in readings]

    def _buckets(self, key: str) -> dict[int, int]:
        found = self._used.get(key)
        if found is None:
            if len(self._used) >= _MAX_KEYS:
                del self._used[next(iter(self._used))]
            found = self._used[key] = {}
        return found

    def clear(self) -> None:
        """Redis is back and counts again."""
        self._used.clear()
