"""A second attempt beside a slow first one; the first answer wins (Dean and Barroso, "The Tail at Scale", 2013)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gateway.data.attempt import Attempt
from gateway.upstream.outcome import of_status

if TYPE_CHECKING:
    from gateway.data.forwarding import Forwarding

_BAD_GATEWAY = 502


class Hedge:
    """Of one exchange, on a route that asks for it. There is one rival at most, and one answer to the client."""

    __slots__ = ("_counted", "_forwarding", "_rival", "_timer", "client_key")

    def __init__(self, forwarding: Forwarding) -> None:
        self._forwarding = forwarding
        self.client_key = forwarding.client_key
        self._rival: Attempt | None = None
        self._counted = False
        seconds = forwarding.route.hedging.seconds if forwarding.route.hedging is not None else None
        loop = forwarding.exchange.gateway.loop
        self._timer = loop.call_later(seconds, self._begin) if seconds is not None else None

    def on_share(self) -> None:
        """Never: it does not wait for a share."""

    def accepts(self, attempt: Attempt, status: int) -> bool:
        """Whether this answer is the client's: not one of trouble while the other attempt is under way."""
        forwarding, rival = self._forwarding, self._rival
        first = forwarding.attempt
        if rival is not None and status >= _BAD_GATEWAY:
            attempt.tell(of_status(status))
            self.goes_on_without(attempt)
            attempt.abandon()
            return False
        if forwarding.route.hedging is not None and first is not None:
            forwarding.route.hedging.observe(forwarding.exchange.gateway.loop.time() - first.asked_at)
        if rival is not None and first is not None:
            won = attempt is rival
            forwarding.attempt = attempt
            (first if won else rival).abandon()
            self._count("won" if won else "lost")
        self.cancel(keep=attempt)
        return True

    def goes_on_without(self, failed: Attempt) -> bool:
        """Whether the other attempt is under way still, and is now the only one."""
        rival, self._rival = self._rival, None
        self._leave()
        if rival is None:
            return False
        if failed is not rival:
            self._forwarding.attempt = rival
        self._count("failed" if failed is rival else "saved")
        return True

    def cancel(self, *, keep: Attempt | None = None) -> None:
        """There will be no second attempt, or none any more."""
        if self._timer is not None:
            self._timer.cancel()
        rival, self._rival = self._rival, None
        if rival is not None and rival is not keep:
            rival.abandon()
        self._leave()

    def _begin(self) -> None:
        forwarding, exchange = self._forwarding, self._forwarding.exchange
        first = forwarding.attempt
        if exchange.done or first is None or first.over or forwarding.late != "first_byte" or exchange.head_sent:
            return
        forbidden = self._forbidden()
        if forbidden:
            self._count(forbidden)
            return
        target = forwarding.upstream.choose(first.target) or first.target
        exchange.event("hedge", upstream=forwarding.upstream.name, target=target.name)
        exchange.gateway.further_attempts.made.add(forwarding.upstream.name, "hedge")
        self._rival = rival = Attempt(forwarding, target)
        # A connection of its own, or an idle one: a hedge that waited in line would only lengthen it.
        if target.pool.acquire(rival) in ("full", "queued") and rival.connection is None:
            self._count("no_connection")
            self.cancel()

    def _forbidden(self) -> str:
        gateway, upstream = self._forwarding.exchange.gateway, self._forwarding.upstream
        if gateway.overload.level:
            return "overloaded"
        share = math.ceil(upstream.capacity * gateway.settings.client_share)
        if share < upstream.capacity:
            self._counted = upstream.shares.enter_now(self, share)
            if not self._counted:
                return "share"
        if not upstream.retry_budget.retry():
            self._leave()
            return "budget"
        return ""

    def _leave(self) -> None:
        if self._counted:
            self._counted = False
            self._forwarding.upstream.shares.leave(self)

    def _count(self, outcome: str) -> None:
        self._forwarding.exchange.gateway.further_attempts.hedges.add(self._forwarding.route.name, outcome)
