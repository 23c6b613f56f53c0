"""When a delivery that failed is tried again: the schedule that Standard Webhooks recommends."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SCHEDULE = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""What is waited after each failed attempt; with the first attempt that makes ten in about three days."""

JITTER = 0.2
MOST_RETRY_AFTER = timedelta(hours=24)
DISABLED_AFTER = timedelta(days=5)
"""How long a webhook may fail at each attempt before it is disabled."""

_DIGITS = 9


def next_delay(retries: int, retry_after: timedelta | None = None) -> timedelta | None:
    """What to wait after an attempt that failed, the first being followed by retry 0; None at the end.

    Up to a fifth more, so that what failed together does not come back together; at least as long as
    the receiver asked for.
    """
    if retries >= len(SCHEDULE):
        return None
    delay = SCHEDULE[retries] * (1 + JITTER * random.random())  # noqa: S311 - jitter is no secret
    return max(delay, min(retry_after, MOST_RETRY_AFTER)) if retry_after else delay


def read_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """What a ``Retry-After`` header asks for (RFC 9110 section 10.2.3); None when it says nothing that holds."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:_DIGITS]))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year or a zone of twenty digits
        return None
    wait = moment.replace(tzinfo=moment.tzinfo or UTC) - now
    return wait if wait > timedelta(0) else None
