"""A request whose trace nobody keeps costs no spans: the decision is read before the SDK is asked.

The parent decides (TRAPS.md, forwarding 13). An unsampled span of the SDK still gathers its attributes, at each
statement too; here the caller's context is kept, for logs, errors and events, and the instrumentation is silent.
"""

from fastapi import FastAPI
from opentelemetry import context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.settings import TelemetrySettings

_propagator = TraceContextTextMapPropagator()
_ids = RandomIdGenerator()


def skip_unsampled(app: FastAPI, settings: TelemetrySettings) -> None:
    """Put ``SkipUnsampled`` around the application that was instrumented."""
    build = app.build_middleware_stack

    def around() -> ASGIApp:
        return SkipUnsampled(build(), settings)

    app.build_middleware_stack = around


class SkipUnsampled:
    """Silences the instrumentation for a request that is not sampled, or when spans go nowhere."""

    def __init__(self, app: ASGIApp, settings: TelemetrySettings) -> None:
        self.app = app  # FastAPI follows this name to see who makes its spans
        self._exported = bool(settings.endpoint)
        self._roots = self._exported and settings.sample_ratio > 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its caller's trace as the current one."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        parent = _parent(scope)
        if (self._exported and parent.trace_flags.sampled) if parent.is_valid else self._roots:
            await self.app(scope, receive, send)
            return
        if not parent.is_valid:
            parent = SpanContext(_ids.generate_trace_id(), _ids.generate_span_id(), is_remote=False)
        token = context.attach(trace.set_span_in_context(NonRecordingSpan(parent)))
        try:
            with suppress_instrumentation():
                await self.app(scope, receive, send)
        finally:
            context.detach(token)


def _parent(scope: Scope) -> SpanContext:
    """The caller's span; an invalid one where it names none, or two (W3C Trace Context section 3.2)."""
    found = [(name, value) for name, value in scope["headers"] if name in (b"traceparent", b"tracestate")]
    if sum(name == b"traceparent" for name, _ in found) != 1:
        return trace.INVALID_SPAN_CONTEXT
    carrier = {name.decode(): value.decode("latin-1") for name, value in found}
    return trace.get_current_span(_propagator.extract(carrier, context=context.Context())).get_span_context()
