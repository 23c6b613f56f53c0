"""What an answer said beside its body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEFT = re.compile(r'"(?P<name>[^"]*)"\s*;\s*r=(?P<left>\d+)(?:\s*;\s*t=(?P<seconds>\d+))?')


@dataclass(frozen=True)
class RateLimit:
    """What is left of the tightest limit, and in how many seconds it is whole again (``RateLimit``)."""

    name: str
    left: int
    seconds: float | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> RateLimit | None:
        """The header of draft-ietf-httpapi-ratelimit-headers; None without one, or when it can't be read."""
        found = _LEFT.match(headers.get("ratelimit", ""))
        if found is None:
            return None
        seconds = found["seconds"]
        return cls(found["name"], int(found["left"]), float(seconds) if seconds else None)


@dataclass(frozen=True)
class Answer:
    """The status and the headers, whose names are case-insensitive, of the answer that a model came with."""

    status: int
    headers: Mapping[str, str]

    @property
    def etag(self) -> str | None:
        """The version of the resource, for ``if_match``."""
        return self.headers.get("etag")

    @property
    def location(self) -> str | None:
        """The path of what was made."""
        return self.headers.get("location")

    @property
    def replayed(self) -> bool:
        """Whether this is the answer to an earlier request with the same Idempotency-Key."""
        return self.headers.get("idempotent-replayed") == "true"

    @property
    def request_id(self) -> str | None:
        """Under which the request stands in the logs."""
        return self.headers.get("x-request-id")

    @property
    def trace_id(self) -> str | None:
        """Under which the request is found among the traces (W3C ``traceresponse``)."""
        parts = self.headers.get("traceresponse", "").split("-")
        return parts[1] if len(parts) > 1 else None

    @property
    def rate_limit(self) -> RateLimit | None:
        """What is left of the limit."""
        return RateLimit.of(self.headers)
