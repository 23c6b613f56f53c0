"""Whether a failed attempt is followed by another, where, and when.

Only what is safe (TRAPS, forwarding 1 and 2): GET, HEAD, PUT, DELETE without a body or anything with an
Idempotency-Key, as long as its body is still here and nothing of an answer has gone to the client; within the budget,
and only if the pause before it ends before the deadline does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.upstream.outcome import of_status

if TYPE_CHECKING:
    import asyncio

    from gateway.data.attempt import Attempt
    from gateway.data.forwarding import Forwarding


# A service with several processes may end more than one of them.
_NOT_TAKEN_TIMES = 3


class Retrying:
    """Of one exchange; made at its first failure, so that a request without one pays nothing."""

    __slots__ = ("_exchange", "_forwarding", "_made", "_not_taken", "_policy", "_stale", "_timer")

    def __init__(self, forwarding: Forwarding) -> None:
        self._forwarding = forwarding
        self._exchange = forwarding.exchange
        self._policy = forwarding.route.retries
        self._made = 1
        self._stale = False
        self._not_taken = 0
        self._timer: asyncio.TimerHandle | None = None

    def after_loss(self, attempt: Attempt, *, answered: bool) -> bool:
        """The connection ended before the head of the answer was there."""
        if answered or not self._repeatable():
            return False
        if attempt.reused and not self._stale:
            # What a kept-alive connection lost before one byte came: most likely it was never read.
            self._stale = True
            if not self._granted("stale", 0.0):
                return False
            self._forwarding.attempt_at(attempt.target, fresh=True)
            return True
        return self._policy.reset and self._further("reset", attempt, self._policy.pause(self._made))

    def after_not_taken(self, attempt: Attempt) -> bool:
        """The service has not taken the request, and said so by a 408 with which it ends an idle connection.

        Any method may go again (RFC 9110 section 15.5.9), at once and outside of the budget: nothing was done for it.
        """
        forwarding, exchange = self._forwarding, self._exchange
        late = exchange.gateway.loop.time() >= forwarding.ends
        if self._not_taken >= _NOT_TAKEN_TIMES or late or exchange.head.expects_continue:
            return False
        if forwarding.upload is not None and not forwarding.upload.whole:
            return False
        self._not_taken += 1
        name = forwarding.upstream.name
        exchange.gateway.further_attempts.made.add(name, "not_taken")
        exchange.retried = True
        exchange.event("retry", upstream=name, reason="not_taken", pause_ms=0)
        attempt.abandon()
        forwarding.attempt_at(attempt.target, fresh=True)
        return True

    def after_unreachable(self, attempt: Attempt) -> bool:
        """No connection was made: nothing was sent, so any method may go to another target."""
        forwarding = self._forwarding
        if forwarding.upload is not None and not forwarding.upload.whole:
            return False
        if self._made >= self._policy.attempts:
            return False
        other = forwarding.upstream.choose(attempt.target)
        if other is not None:
            if not self._granted("connect", 0.0):
                return False
            self._made += 1
            forwarding.attempt_at(other, fresh=False)
            return True
        return self._policy.connect and self._further("connect", attempt, self._policy.pause(self._made))

    def after_status(self, attempt: Attempt, status: int, headers: list[tuple[bytes, bytes]]) -> bool:
        """The service itself says that it is in trouble."""
        if status not in self._policy.statuses or not self._exchange.body_read or not self._repeatable():
            return False
        asked = self._policy.asked_pause(headers)
        if asked is None or not self._further("status", attempt, max(asked, self._policy.pause(self._made))):
            return False
        attempt.tell(of_status(status))
        return True

    def after_silence(self, attempt: Attempt) -> bool:
        """No answer began within ``first_byte``."""
        if not self._policy.late or not self._repeatable():
            return False
        return self._further("late", attempt, self._policy.pause(self._made))

    def cancel(self) -> None:
        """The exchange is over."""
        if self._timer is not None:
            self._timer.cancel()

    def _repeatable(self) -> bool:
        forwarding = self._forwarding
        return forwarding.may_repeat() and (forwarding.upload is None or forwarding.upload.whole)

    def _further(self, reason: str, attempt: Attempt, pause: float) -> bool:
        """Counted against the route's attempts; elsewhere if there is another target by then."""
        if self._made >= self._policy.attempts or not self._granted(reason, pause):
            return False
        self._made += 1
        forwarding, exchange = self._forwarding, self._exchange
        forwarding.late, exchange.due = "pause", forwarding.ends
        self._timer = exchange.gateway.loop.call_later(pause, self._fire, attempt, reason)
        return True

    def _granted(self, reason: str, pause: float) -> bool:
        """Whether deadline and budget allow it."""
        forwarding, exchange = self._forwarding, self._exchange
        name, counts = forwarding.upstream.name, exchange.gateway.further_attempts
        refused = ""
        if exchange.gateway.loop.time() + pause >= forwarding.ends:
            refused = "deadline"
        elif not forwarding.upstream.retry_budget.retry():
            refused = "budget"
        if refused:
            counts.refused.add(name, refused)
            exchange.event("retry_refused", upstream=name, reason=reason, why=refused)
            return False
        counts.made.add(name, reason)
        exchange.retried = True
        exchange.event("retry", upstream=name, reason=reason, pause_ms=round(pause * 1000))
        return True

    def _fire(self, failed: Attempt, reason: str) -> None:
        self._timer = None
        if self._exchange.done:
            return
        # What is left of an answer that was not wanted.
        failed.abandon()
        other = self._forwarding.upstream.choose(failed.target)
        # Where one connection was reset the idle ones may be dead as well.
        self._forwarding.attempt_at(other or failed.target, fresh=other is None and reason == "reset")
