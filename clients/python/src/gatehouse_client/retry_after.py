"""For how long an answer asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from gatehouse_client.answer import RateLimit

if TYPE_CHECKING:
    from collections.abc import Mapping


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds, by ``Retry-After`` (RFC 9110 section 10.2.3: seconds or a date), else by an empty ``RateLimit``.

    None when neither says anything that can be read.
    """
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        when = parsedate_to_datetime(said)
    except ValueError:
        limit = RateLimit.of(headers)
        return limit.seconds if limit is not None and limit.left == 0 else None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())
