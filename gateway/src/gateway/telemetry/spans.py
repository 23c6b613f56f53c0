"""Server and client span of a sampled request, written when it is over.

The ids are drawn at the start (trace_context) and nothing else is done while a request is under way, nor at all for
one that is not sampled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from gateway.telemetry.exporter import SpanExporter
from gateway.telemetry.otlp import CLIENT, SERVER, Attributes, Event, span

if TYPE_CHECKING:
    from prometheus_client import Counter

    from gateway.data.exchange import Exchange
    from gateway.settings import Settings
    from gateway.telemetry.trace_context import TraceContext
    from gateway.upstream.fetch import Fetcher

_SERVER_ERROR = 500


class Spans:
    """Exports nothing where no endpoint is set."""

    def __init__(self, settings: Settings, fetcher: Fetcher, dropped: Counter) -> None:
        self.exporter: SpanExporter | None = None
        if settings.otlp_endpoint:
            resource: Attributes = {
                **_pairs(settings.otlp_resource),
                "service.name": "gateway",
                "deployment.environment.name": settings.environment.value,
                "telemetry.sdk.language": "python",
            }
            url = settings.otlp_endpoint.rstrip("/") + "/v1/traces"
            headers = _pairs(settings.otlp_headers.get_secret_value())
            self.exporter = SpanExporter(fetcher, url, headers, resource, dropped)

    def exchange(self, exchange: Exchange, now_ns: int) -> None:
        """Both spans of a request that ended at ``now_ns``."""
        if self.exporter is None:
            return
        found, trace = exchange.match, exchange.trace
        method = exchange.method.decode("ascii")
        attributes: Attributes = {
            "http.request.method": method,
            "url.path": exchange.path.decode("latin-1"),
            "url.scheme": exchange.client.scheme_bytes.decode(),
            "http.response.status_code": exchange.status,
            "client.address": exchange.address,
            "request.id": exchange.request_id.decode("ascii"),
        }
        name = method
        if found is not None:
            attributes["http.route"] = found.route.name
            name = f"{method} {found.route.name}"
        if exchange.code:
            attributes["error.type"] = exchange.code
        self.server(trace, name, (exchange.started_ns, now_ns), attributes, exchange.events or [])
        forwarding = exchange.forwarding
        if forwarding is None or found is None:
            return
        target = forwarding.attempt.target if forwarding.attempt else None
        address: Attributes = {"server.address": target.pool.host, "server.port": target.pool.port} if target else {}
        self.exporter.add(
            span(
                trace.trace_id,
                trace.client_span,
                trace.server_span,
                f"{method} {found.upstream}",
                kind=CLIENT,
                times_ns=(forwarding.started_ns, now_ns),
                attributes={
                    "http.request.method": method,
                    "http.response.status_code": exchange.status,
                    **address,
                    "http.request.resend_count": int(exchange.retried),
                },
                failed=exchange.status >= _SERVER_ERROR,
            )
        )

    def server(
        self,
        trace: TraceContext,
        name: str,
        times_ns: tuple[int, int],
        attributes: Attributes,
        events: list[Event],
    ) -> None:
        """The span of a request of either plane; ``attributes`` hold its status."""
        if self.exporter is not None:
            failed = int(attributes["http.response.status_code"]) >= _SERVER_ERROR
            self.exporter.add(
                span(
                    trace.trace_id,
                    trace.server_span,
                    trace.parent_span,
                    name,
                    kind=SERVER,
                    times_ns=times_ns,
                    attributes=attributes,
                    events=events,
                    failed=failed,
                )
            )

    async def stop(self) -> None:
        """Send what is held; takes a few seconds at most."""
        if self.exporter is not None:
            await self.exporter.stop()


def _pairs(text: str) -> dict[str, str]:
    """``a=b,c=d`` with percent-escaped values, as OpenTelemetry's variables are written (W3C Baggage)."""
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}
