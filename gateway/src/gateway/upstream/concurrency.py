"""How many requests at a time an upstream takes without queueing them: found out from its answer times.

A gradient limit after Envoy's adaptive concurrency filter and Netflix's concurrency-limits (Gradient2): each window the
limit is multiplied by calm time / time now and given a headroom by its own root. The calm time is what Gradient2 lets
drift upwards under a lasting overload and Envoy measures at a concurrency of 3; here it is measured whenever less than
half of the limit is in use, and while requests are refused from time to time with the limit halved, which drains a
queue without emptying the service.
"""

from __future__ import annotations

import random
from statistics import median
from typing import TYPE_CHECKING

from gateway.routes.model import PRIORITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.routes.model import ConcurrencyModel

# The part of the limit that each class may fill: what is left over is for those above it.
_PARTS = (1.0, 0.9, 0.7)
_SAMPLES = 10
_SMOOTHING = 0.5
_SOON = 1.0
_RISE_BY_WINDOW = 0.1
_RISE_BY_PROBE = 0.3
_PATIENCE = 20


class AdaptiveLimit:
    """Times in seconds of one clock; ``enter`` and ``leave`` stand around each request."""

    def __init__(self, model: ConcurrencyModel, most: int, chance: Callable[[], float] = random.random) -> None:
        self.model = model
        self.most = max(model.least, min(most, model.most or most))
        self.limit = float(min(max(model.initial, model.least), self.most))
        # The answer time without a queue; 0 while unknown.
        self.calm = 0.0
        self.latest = 0.0
        self.in_flight = 0
        self.admitted = 0
        self.shed = [0, 0, 0]
        self.probing = False
        self._chance = chance
        self._peak = 0
        # Whether somebody was refused in this window.
        self._pressed = False
        self._samples: list[float] = []
        self._since = 0.0
        self._until = 0.0
        self._probe_every = min(_SOON, model.probe)
        self._probe_at = 0.0
        self._places = (0, 0, 0)
        self._set_places(self.limit)

    def has_room(self, rank: int) -> bool:
        """Whether one more of this priority may come; counts the refusal when not."""
        if self.in_flight < self._places[rank]:
            return True
        self.shed[rank] += 1
        self._pressed = True
        return False

    def enter(self) -> None:
        """A request goes to the upstream."""
        self.admitted += 1
        self.in_flight = now = self.in_flight + 1
        self._peak = max(self._peak, now)

    def leave(self, seconds: float, now: float) -> None:
        """It is over; ``seconds`` until it was answered, 0 when that says nothing."""
        self.in_flight -= 1
        # What was asked before a probe began or ended tells of another limit.
        if seconds > 0 and now - seconds >= self._since:
            self._samples.append(seconds)
        if now >= self._until:
            self._update(now)

    def _update(self, now: float) -> None:
        enough = len(self._samples) >= _SAMPLES
        if not enough and not (self.probing and now >= self._since + _PATIENCE * max(self.latest, self.model.window)):
            return
        if enough:
            self.latest = median(self._samples)
        was_probing = self.probing
        if self.probing:
            self._end_probe(now, measured=enough)
        elif self.calm == 0 or not (self._pressed or self._peak * 2 > self.limit):
            # Nothing queues at half of what it takes: a service that has become slower is no overload.
            self._learn(_RISE_BY_WINDOW)
            self._probe_every = min(_SOON, self.model.probe)
            self._probe_at = now + self._probe_every
            if self.limit < self.model.initial:
                # Room for a burst again.
                self._set_limit(min(self.model.initial, self.limit + self.limit**0.5))
        elif self._pressed and now >= self._probe_at:
            self.probing = True
            self._set_places(max(float(self.model.least), self.limit / 2))
        else:
            self._adjust()
        self._samples.clear()
        self._pressed = False
        self._peak = self.in_flight
        self._until = now + max(self.model.window, self.latest)
        if self.probing is not was_probing:
            self._since = now
            # The queue has to drain, or to fill again, before its time can be told.
            self._until += max(self.model.window, self.latest)

    def _adjust(self) -> None:
        gradient = max(0.5, min(1.0, self.model.tolerance * self.calm / self.latest))
        # Much of it only while nothing queues: near the balance the headroom is what queues.
        headroom = max(self.limit**0.5, self.limit / 4) if gradient == 1 else self.limit**0.5 / 2
        wanted = self.limit * gradient + headroom
        self._set_limit(self.limit + _SMOOTHING * (wanted - self.limit))

    def _set_limit(self, limit: float) -> None:
        self.limit = max(float(self.model.least), min(float(self.most), limit))
        self._set_places(self.limit)

    def _end_probe(self, now: float, *, measured: bool) -> None:
        self.probing = False
        if measured:
            same = 0.9 * self.calm <= self.latest <= 1.1 * self.calm
            self._learn(_RISE_BY_PROBE)
            # Half of a limit that is far too high queues still: look again soon.
            self._probe_every = min(self.model.probe, 2 * self._probe_every if same else _SOON)
        # Several gateways must not all measure at the same time.
        self._probe_at = now + self._probe_every * (0.75 + 0.5 * self._chance())
        self._set_places(self.limit)

    def _learn(self, rise: float) -> None:
        """Slower answers may be a stall that all of a window shares; quicker ones cannot be by chance."""
        if self.latest < self.calm or self.calm == 0:
            self.calm = self.latest
        else:
            self.calm += rise * (self.latest - self.calm)

    def _set_places(self, limit: float) -> None:
        high, normal, low = (max(1, round(limit * part)) for part in _PARTS)
        self._places = (high, normal, low)

    def state(self) -> dict[str, object]:
        """For people who look after it."""
        return {
            "limit": round(self.limit, 1),
            "in_flight": self.in_flight,
            "calm_seconds": round(self.calm, 6),
            "latest_seconds": round(self.latest, 6),
            "probing": self.probing,
            "shed": dict(zip(PRIORITIES, self.shed, strict=True)),
        }
