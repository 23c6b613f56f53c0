"""Pauses that grow: for loops that may not end, where a retry library's context would have to be remade."""

import random


class Backoff:
    """Doubles from ``first`` to ``most`` seconds, each pause between a half and the whole of it."""

    def __init__(self, *, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._step = 0

    def next(self) -> float:
        """Seconds to wait before the next try."""
        whole = min(self._most, self._first * 2 ** min(self._step, 30))
        self._step += 1
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

    def reset(self) -> None:
        """Begin anew: it worked."""
        self._step = 0
