"""What came out of the limits of one request, and the headers that say so.

``RateLimit-Policy`` and ``RateLimit`` as in draft-ietf-httpapi-ratelimit-headers; of several limits the tightest is
reported. ``X-RateLimit-Reset`` is a Unix time, as on the APIs that made the name common.
"""

import math
import time
from dataclasses import dataclass

from gateway.problem import Refusal


@dataclass(frozen=True, slots=True)
class Check:
    """One limit of one request."""

    policy: str
    key: str
    quota: int
    window: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a limit says: how many are left, and in how many seconds the oldest of the used ones comes back."""

    remaining: int
    reset: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """``headers`` are lines ending in CRLF; ``refusal`` is None when the request may go on."""

    outcome: str
    headers: bytes = b""
    refusal: Refusal | None = None


UNLIMITED = Verdict("unlimited")


def judge(checks: list[Check], readings: list[Reading], *, admitted: bool, outcome: str) -> Verdict:
    """The verdict over all limits of a request."""
    pairs = list(zip(checks, readings, strict=True))
    if admitted:
        check, reading = min(pairs, key=lambda pair: (pair[1].remaining / pair[0].quota, -pair[1].reset))
    else:
        # Of those that reject, the one to wait for longest.
        check, reading = max((pair for pair in pairs if pair[1].remaining <= 0), key=lambda pair: pair[1].reset)
    headers = _headers(check, reading)
    if admitted:
        return Verdict(outcome, headers)
    retry_after = max(1, math.ceil(reading.reset))
    refusal = Refusal(
        429,
        "rate_limited",
        f"The limit of {check.quota} requests in {check.window:g} seconds is used up.",
        headers=((b"retry-after", b"%d" % retry_after),),
    )
    return Verdict("rejected", headers, refusal)


def closed() -> Verdict:
    """The limits cannot be counted and the route says that then nobody passes."""
    refusal = Refusal(
        503, "limits_unavailable", "Limits cannot be checked just now.", headers=((b"retry-after", b"1"),)
    )
    return Verdict("closed", b"", refusal)


def _headers(check: Check, reading: Reading) -> bytes:
    remaining = max(0, reading.remaining)
    # Within the window, as its policy says. Retry-After may be one bucket longer: then the oldest is wholly out.
    seconds = min(max(0, math.ceil(reading.reset)), math.ceil(check.window))
    return (
        b'ratelimit-policy: "%b";q=%d;w=%d\r\nratelimit: "%b";r=%d;t=%d\r\n'
        b"x-ratelimit-limit: %d\r\nx-ratelimit-remaining: %d\r\nx-ratelimit-reset: %d\r\n"
        % (
            check.policy.encode(),
            check.quota,
            check.window,
            check.policy.encode(),
            remaining,
            seconds,
            check.quota,
            remaining,
            math.ceil(time.time() + seconds),
        )
    )
