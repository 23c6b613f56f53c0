"""What came out of the limits of one request.

Its headers are ``RateLimit-Policy`` and ``RateLimit`` as in draft-ietf-httpapi-ratelimit-headers, of several limits
those of the tightest; ``X-RateLimit-Reset`` is a Unix time, as on the APIs that made the name common.
"""

from dataclasses import dataclass

from gateway.problem import Refusal


@dataclass(slots=True)
class Verdict:
    """``headers`` are lines ending in CRLF; ``refusal`` is None when the request may go on, after ``delay`` seconds."""

    outcome: str
    headers: bytes = b""
    refusal: Refusal | None = None
    delay: float = 0.0
    # The limit that refused.
    limit: str = ""


UNLIMITED = Verdict("unlimited")
OPEN = Verdict("open")


def rejected(limit: str, headers: bytes, quota: int, window: int, wait: int) -> Verdict:
    """429: the limit of ``quota`` in ``window`` seconds is used up, and there is room in ``wait`` seconds."""
    refusal = Refusal(
        429,
        "rate_limited",
        f"The limit of {quota} requests in {window} seconds is used up.",
        headers=((b"retry-after", b"%d" % wait),),
    )
    return Verdict("rejected", headers, refusal, limit=limit)


def closed() -> Verdict:
    """The limits cannot be counted and the route says that then nobody passes."""
    refusal = Refusal(
        503, "limits_unavailable", "Limits cannot be checked just now.", headers=((b"retry-after", b"1"),)
    )
    return Verdict("closed", b"", refusal)
