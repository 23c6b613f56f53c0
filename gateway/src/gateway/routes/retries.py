"""The compiled table ``[routes.retries]``: which failures are tried again, how often, and after which pause."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.routes.model.retries import Retries


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``connect`` also where there is no other target; durations in seconds."""

    attempts: int
    connect: bool = False
    reset: bool = False
    late: bool = False
    statuses: frozenset[int] = frozenset()
    backoff: float = 0.0
    max_backoff: float = 0.0
    max_retry_after: float = 0.0

    @classmethod
    def of(cls, model: Retries | None) -> RetryPolicy:
        """As the route says; UNASKED where it says nothing."""
        if model is None:
            return UNASKED
        return cls(
            attempts=model.attempts,
            connect="connect" in model.on,
            reset="reset" in model.on,
            late="504" in model.on,
            statuses=frozenset(int(word) for word in model.on if word.isdigit()),
            backoff=model.backoff,
            max_backoff=model.max_backoff,
            max_retry_after=model.max_retry_after,
        )

    def pause(self, made: int, share: float | None = None) -> float:
        """Seconds before the next attempt after ``made``: anything up to the bound ("full jitter").

        The failures of one moment must not come back in one moment:
        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/. ``share`` stands for the chance.
        """
        share = random.random() if share is None else share  # noqa: S311 - nothing secret
        return share * min(self.max_backoff, self.backoff * 2.0 ** (made - 1))

    def asked_pause(self, headers: list[tuple[bytes, bytes]]) -> float | None:
        """Seconds that ``Retry-After`` asks for, 0 where there is none; None when that is too long, or a date."""
        for name, value in headers:
            if name == b"retry-after":
                # Nine digits are more than anybody waits for.
                seconds = int(value) if value.isdigit() and len(value) < 10 else self.max_retry_after + 1  # noqa: PLR2004
                return float(seconds) if seconds <= self.max_retry_after else None
        return 0.0


# Only what was certainly never sent, and only to another target; the stale connection has a rule of its own.
UNASKED = RetryPolicy(attempts=3)


def explain_retries(policy: RetryPolicy) -> list[str]:
    """For ``gateway explain``; nothing where the route asks for none."""
    if policy is UNASKED:
        return []
    words = [name for name in ("connect", "reset") if getattr(policy, name)]
    words += sorted(str(status) for status in policy.statuses)
    return [f"retries    on {', '.join(words)}: {policy.attempts} attempts, backoff up to {policy.max_backoff:g}s"]
