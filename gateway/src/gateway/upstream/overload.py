"""How overloaded the services are, as one figure for who wants to ask for less."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.upstream.concurrency import AdaptiveLimit

_FALL = 0.8


class Overload:
    """``level`` 0.0 (calm) to 1.0: of the worst upstream, the part of its requests that was shed.

    It rises at once and falls by a fifth a second, so that what is tightened by it does not flutter.
    """

    def __init__(self) -> None:
        self.level = 0.0
        self._before: dict[AdaptiveLimit, tuple[int, int]] = {}

    def tick(self, limits: Iterable[AdaptiveLimit]) -> None:
        """Once a second."""
        worst = 0.0
        counts: dict[AdaptiveLimit, tuple[int, int]] = {}
        for limit in limits:
            shed, admitted = counts[limit] = sum(limit.shed), limit.admitted
            shed_before, admitted_before = self._before.get(limit, (0, 0))
            asked = shed - shed_before + admitted - admitted_before
            if asked:
                worst = max(worst, (shed - shed_before) / asked)
        self._before = counts
        falling = self.level * _FALL
        self.level = max(worst, falling if falling >= 0.01 else 0.0)  # noqa: PLR2004 - calm is calm
