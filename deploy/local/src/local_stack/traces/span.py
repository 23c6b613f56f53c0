"""A span as it is kept: already in the terms of Jaeger's model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Span:
    """One span with ids in hex, times in microseconds and tags as Jaeger has them."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    service: str
    operation: str
    kind: str
    start: int
    duration: int
    tags: list[dict[str, Any]]
    logs: list[dict[str, Any]]
    links: list[dict[str, Any]]
    process_tags: list[dict[str, Any]]
