"""Forwarding 13: the caller decides whether a trace is kept, and one that is not costs no spans."""

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import SpanContext
from starlette.types import Receive, Scope, Send

from shared.settings import TelemetrySettings
from shared.web.unsampled import SkipUnsampled

TRACE = "0af7651916cd43dd8448eb211c80319c"
KEPT = f"00-{TRACE}-b7ad6b7169203331-01".encode()
DROPPED = f"00-{TRACE}-b7ad6b7169203331-00".encode()


async def seen_by(
    parents: list[bytes], endpoint: str | None = "http://traces.test", ratio: float = 1.0
) -> tuple[bool, SpanContext]:
    """Whether the instrumentation works within a request, and the span that is current in it."""
    seen: list[tuple[bool, SpanContext]] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append((is_instrumentation_enabled(), trace.get_current_span().get_span_context()))

    async def never() -> dict[str, object]:
        raise AssertionError

    async def none(_message: object) -> None:
        raise AssertionError

    settings = TelemetrySettings(endpoint=endpoint, sample_ratio=ratio)  # pyright: ignore[reportCallIssue] - by name
    scope: Scope = {"type": "http", "headers": [(b"traceparent", parent) for parent in parents]}
    await SkipUnsampled(app, settings)(scope, never, none)
    assert is_instrumentation_enabled(), "what comes after the request is not silenced"
    assert not trace.get_current_span().get_span_context().is_valid
    return seen[0]


async def test_forwarding_13_a_trace_that_the_caller_keeps_is_kept():
    assert (await seen_by([KEPT], ratio=0))[0]


async def test_forwarding_13_a_trace_that_the_caller_drops_has_its_id_and_no_spans():
    recording, current = await seen_by([DROPPED])
    assert not recording
    assert f"{current.trace_id:032x}" == TRACE
    assert not current.trace_flags.sampled


async def test_without_an_endpoint_nothing_is_recorded_and_the_callers_decision_goes_on():
    recording, current = await seen_by([KEPT], endpoint=None)
    assert not recording
    assert f"{current.trace_id:032x}" == TRACE
    assert current.trace_flags.sampled


@pytest.mark.parametrize("parents", [[], [b"nonsense"], [KEPT, KEPT]])
async def test_a_trace_that_starts_here_is_decided_by_the_ratio(parents: list[bytes]):
    assert (await seen_by(parents))[0]
    recording, current = await seen_by(parents, ratio=0)
    assert not recording
    assert current.is_valid
    assert f"{current.trace_id:032x}" != TRACE
