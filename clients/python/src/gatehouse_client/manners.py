"""What may be sent again, and when: the rules, without any sending."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from gatehouse_client.errors import Problem

_PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

# Of these it is known that nothing was sent.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Manners:
    """How patient a client is; all times in seconds.

    ``timeout`` is for connecting and for each piece of an answer, ``idle`` for each piece of a stream or a download,
    ``deadline`` for a whole call with all its attempts, up to the head of a stream.
    A wait before the attempt n is random between 0 and ``base * 2**n``, at most ``cap`` (full jitter), after what the
    API asked for by Retry-After; one that does not fit before the deadline is not begun.
    """

    retries: int = 5
    timeout: float = 15.0
    idle: float = 45.0
    deadline: float = 60.0
    base: float = 0.25
    cap: float = 8.0
    spread: Callable[[float, float], float] = random.uniform

    def wait(self, attempt: int, asked: float | None = None) -> float:
        """Seconds to wait after the failed attempt of this number, counted from 0."""
        return (asked or 0.0) + self.spread(0.0, min(self.cap, self.base * 2**attempt))


def never_sent(failure: Exception) -> bool:
    """Whether the API cannot have seen the request."""
    return isinstance(failure, _NEVER_SENT)


def passing(problem: Problem) -> bool:
    """Whether the same request may be answered well a little later.

    The first request with an Idempotency-Key may still run while we come again, as after a timeout of ours.
    """
    return problem.status in _PASSING or problem.code == "idempotency_in_progress"
