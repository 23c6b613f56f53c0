"""How many wrong API keys an address may have asked about: each question is a call to the issuer.

A bucket of tokens an address, in this process. A question takes one and a key that holds gives it back, so a good
client is never slowed by its own keys, and what is under way at a time is bounded too.
"""

import asyncio
import math

_MAX_KEYS = 20_000


class Guesses:
    """``count`` in any ``window`` seconds (and at once), refilled evenly."""

    def __init__(self, count: int, window: float) -> None:
        self._count = float(count)
        self._rate = count / window
        # What is left, and when it was so.
        self._left: dict[str, tuple[float, float]] = {}
        self._loop = asyncio.get_running_loop()

    def take(self, who: str) -> int:
        """0 when the question may be asked, else the seconds to wait."""
        left = self._now_left(who)
        if left < 1:
            return max(1, math.ceil((1 - left) / self._rate))
        self._keep(who, left - 1)
        return 0

    def give_back(self, who: str) -> None:
        """It was no guess, or nobody could say."""
        self._keep(who, min(self._count, self._now_left(who) + 1))

    def _now_left(self, who: str) -> float:
        left, then = self._left.get(who, (self._count, 0.0))
        return min(self._count, left + (self._loop.time() - then) * self._rate)

    def _keep(self, who: str, left: float) -> None:
        self._left.pop(who, None)
        if left >= self._count:
            return
        if len(self._left) >= _MAX_KEYS:
            # The one that asked longest ago.
            del self._left[next(iter(self._left))]
        self._left[who] = (left, self._loop.time())
