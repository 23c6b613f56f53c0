"""Traces: one tracer provider a process, exported over OTLP/HTTP, and the instrumented libraries."""

import os

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aio_pika import AioPikaInstrumentor
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from shared.settings import TelemetrySettings

_UNTRACED = "/health/live,/health/ready,/metrics"


def configure_telemetry(service: str, role: str, settings: TelemetrySettings) -> TracerProvider:
    """Install the tracer provider and instrument asyncpg, Redis, aio-pika and httpx.

    ``role`` is ``api`` or ``worker``: both report as the same service. The caller's sampling
    decision is kept (TRAPS.md, forwarding 13); only a trace that starts here is sampled by ratio.
    """
    resource = Resource.create(
        {
            "service.name": service,
            "service.instance.id": f"{os.uname().nodename}:{os.getpid()}",
            "process.role": role,
        }
    )
    sampler = ParentBased(TraceIdRatioBased(settings.sample_ratio))
    provider = TracerProvider(resource=resource, sampler=sampler, shutdown_on_exit=False)
    if settings.endpoint:
        exporter = OTLPSpanExporter(endpoint=f"{settings.endpoint.rstrip('/')}/v1/traces", timeout=5)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    for instrumentor in (
        AsyncPGInstrumentor,
        RedisInstrumentor,
        AioPikaInstrumentor,
        HTTPXClientInstrumentor,
    ):
        if not instrumentor().is_instrumented_by_opentelemetry:
            instrumentor().instrument(tracer_provider=provider)
    return provider


def trace_application(app: FastAPI, provider: TracerProvider) -> None:
    """Make a server span of each request but the probes'; no span per ASGI message."""
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, excluded_urls=_UNTRACED, exclude_spans=["receive", "send"]
    )


def current_traceparent() -> str | None:
    """W3C ``traceparent`` of the current span, None outside of any (W3C Trace Context section 3.2)."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
