"""Whether a request may go to an upstream at all: its streams, its adaptive limit, its breaker. Refusals are cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.problem import Refusal
from gateway.upstream.breaker import Breaker
from gateway.upstream.concurrency import AdaptiveLimit
from gateway.upstream.outcome import Outcome

if TYPE_CHECKING:
    from gateway.routes.model import UpstreamModel

_ADMITTED = 1
_OVERLOADED = Refusal(
    503, "overloaded", "The service has more to do than it can just now.", headers=((b"retry-after", b"1"),)
)
_STREAMS_FULL = Refusal(
    503, "upstream_busy", "The service has no room for another stream just now.", headers=((b"retry-after", b"5"),)
)


class Admission:
    """``enter`` and ``leave`` stand around each request with all its attempts; times in seconds of one clock."""

    def __init__(self, model: UpstreamModel, capacity: int) -> None:
        self.breaker = Breaker(model.breaker) if model.breaker else None
        self.concurrency = AdaptiveLimit(model.concurrency, capacity) if model.concurrency else None
        self.max_streams = model.max_streams or max(1, capacity // 2)
        self.streams = 0
        # Whether anything is asked of a request that is no stream.
        self.watches = self.breaker is not None or self.concurrency is not None

    def count_on(self, before: Admission) -> None:
        """After a reload: what was learnt begins anew, counters never go down."""
        if self.breaker is not None and before.breaker is not None:
            self.breaker.opened = before.breaker.opened
        if self.concurrency is not None and before.concurrency is not None:
            self.concurrency.shed = before.concurrency.shed

    def enter(self, rank: int, now: float, *, stream: bool) -> int | Refusal:
        """A ticket for ``leave``, or why not; ``rank`` is the place of the route's priority in PRIORITIES."""
        if stream:
            if self.streams >= self.max_streams:
                return _STREAMS_FULL
        elif self.concurrency is not None and not self.concurrency.has_room(rank):
            return _OVERLOADED
        ticket = _ADMITTED
        if self.breaker is not None:
            ticket = self.breaker.enter(now)
            if not ticket:
                return _circuit_open(self.breaker.seconds_left(now))
        if stream:
            self.streams += 1
        elif self.concurrency is not None:
            self.concurrency.enter()
        return ticket

    def leave(self, ticket: int, outcome: Outcome, seconds: float, now: float, *, stream: bool) -> None:
        """The request is over; ``seconds`` until the head of its answer."""
        if stream:
            self.streams -= 1
        elif self.concurrency is not None:
            tells = outcome in (Outcome.ANSWERED, Outcome.FAILED, Outcome.LATE)
            self.concurrency.leave(seconds if tells else 0.0, now)
        if self.breaker is not None:
            self.breaker.leave(ticket, outcome, now)


def _circuit_open(seconds: int) -> Refusal:
    return Refusal(
        503, "circuit_open", "The service fails and is left in peace.", headers=((b"retry-after", b"%d" % seconds),)
    )
