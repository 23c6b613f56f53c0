"""The caller's trace goes along, where it has one."""

from __future__ import annotations


def trace_headers() -> dict[str, str]:
    """``traceparent`` and what else OpenTelemetry's propagator adds; nothing without it, or outside of a span."""
    try:
        # Optional, and only by those who have it anyway.
        from opentelemetry import propagate  # noqa: PLC0415
    except ImportError:
        return {}
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers
