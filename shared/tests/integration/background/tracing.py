"""Records the spans of a test, whatever tests before it did to the global provider."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.instrumentation.aio_pika import AioPikaInstrumentor
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from shared.jobs import attempt
from shared.messaging import backfill, publish_spans


class Recorder:
    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @contextmanager
    def request(self, name: str) -> Iterator[ReadableSpan]:
        tracer = self.provider.get_tracer("test")
        with tracer.start_as_current_span(name, kind=SpanKind.SERVER) as span:
            assert isinstance(span, ReadableSpan)
            yield span

    def named(self, trace_id: int, part: str) -> list[ReadableSpan]:
        return [s for s in self._of(trace_id) if part in s.name]

    def sql(self, trace_id: int, part: str) -> list[ReadableSpan]:
        return [s for s in self._of(trace_id) if part in str(s.attributes)]

    def parent_of(self, span: ReadableSpan) -> int | None:
        return span.parent.span_id if span.parent else None

    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def _of(self, trace_id: int) -> list[ReadableSpan]:
        return [s for s in self.all() if s.context.trace_id == trace_id]


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    recorder = Recorder()
    for module in (attempt, backfill, publish_spans):
        monkeypatch.setattr(module, "tracer", recorder.provider.get_tracer(module.__name__))
    instrumentors = (AioPikaInstrumentor(), AsyncPGInstrumentor())
    before = [instrumentor.is_instrumented_by_opentelemetry for instrumentor in instrumentors]
    for instrumentor, instrumented in zip(instrumentors, before, strict=True):
        if instrumented:
            instrumentor.uninstrument()
        instrumentor.instrument(tracer_provider=recorder.provider)
    yield recorder
    for instrumentor, instrumented in zip(instrumentors, before, strict=True):
        instrumentor.uninstrument()
        if instrumented:
            instrumentor.instrument()
