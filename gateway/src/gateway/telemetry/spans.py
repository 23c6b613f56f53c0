"""Server and client span of a sampled request, made by hand at its end and given to the SDK's exporter.

The ids are drawn at the start (trace_context), so nothing of the SDK is touched while a request is under way, and
nothing at all for one that is not sampled.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.settings import Settings

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SERVER_ERROR = 500
_FLUSH_MILLISECONDS = 3000


class Spans:
    """Exports nothing where no endpoint is set."""

    def __init__(self, settings: Settings) -> None:
        self._processor: BatchSpanProcessor | None = None
        self._scope = InstrumentationScope("gateway")
        if settings.otlp_endpoint:
            exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint.rstrip("/") + "/v1/traces")
            self._processor = BatchSpanProcessor(exporter, schedule_delay_millis=500)
            self._resource = Resource.create(
                {"service.name": "gateway", "deployment.environment.name": settings.environment.value}
            )

    def exchange(self, exchange: Exchange) -> None:
        """Both spans of a request that is over."""
        if self._processor is None:
            return
        end = time.time_ns()
        found, trace = exchange.match, exchange.trace
        method = exchange.method.decode("ascii")
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "url.path": exchange.path.decode("latin-1"),
            "url.scheme": exchange.client.scheme_bytes.decode(),
            "http.response.status_code": exchange.status,
            "client.address": exchange.address,
            "request.id": exchange.request_id.decode("ascii"),
        }
        if found is not None:
            attributes["http.route"] = found.route.name
        if exchange.code:
            attributes["error.type"] = exchange.code
        server = SpanContext(trace.trace_id, trace.server_span, False, _SAMPLED)
        parent = None
        if trace.parent_span is not None:
            parent = SpanContext(trace.trace_id, trace.parent_span, True, _SAMPLED)
        failed = exchange.status >= _SERVER_ERROR
        self._processor.on_end(
            ReadableSpan(
                name=f"{method} {found.route.name}" if found else method,
                context=server,
                parent=parent,
                resource=self._resource,
                attributes=attributes,
                events=[Event(name, values, timestamp) for name, timestamp, values in exchange.events],
                kind=SpanKind.SERVER,
                instrumentation_scope=self._scope,
                status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
                start_time=exchange.started_ns,
                end_time=end,
            )
        )
        if exchange.forwarding is not None and found is not None:
            self._client(exchange, server, end)

    def _client(self, exchange: Exchange, parent: SpanContext, end: int) -> None:
        forwarding, found = exchange.forwarding, exchange.match
        assert self._processor is not None  # noqa: S101 - checked by the caller
        assert forwarding is not None  # noqa: S101 - the same
        assert found is not None  # noqa: S101 - the same
        target = forwarding.target
        address = {"server.address": target.pool.host, "server.port": target.pool.port} if target else {}
        method = exchange.method.decode("ascii")
        failed = exchange.status >= _SERVER_ERROR
        self._processor.on_end(
            ReadableSpan(
                name=f"{method} {found.upstream}",
                context=SpanContext(exchange.trace.trace_id, exchange.trace.client_span, False, _SAMPLED),
                parent=parent,
                resource=self._resource,
                attributes={
                    "http.request.method": method,
                    "http.response.status_code": exchange.status,
                    **address,
                    "http.request.resend_count": int(exchange.retried),
                },
                kind=SpanKind.CLIENT,
                instrumentation_scope=self._scope,
                status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
                start_time=forwarding.started_ns,
                end_time=end,
            )
        )

    def stop(self) -> None:
        """Send what is held; blocks for a few seconds at most."""
        if self._processor is not None:
            self._processor.force_flush(_FLUSH_MILLISECONDS)
            self._processor.shutdown()
