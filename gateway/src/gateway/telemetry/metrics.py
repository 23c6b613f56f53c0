"""Prometheus metrics; labels are routes, never paths, so that their number is the routes file's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.telemetry.series import Counts, Durations

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange

_MAX_CONSUMERS = 500
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One registry a process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counts("gateway_requests", "Answered requests.", ("route", "method", "status"))
        self._seconds = Durations(
            "gateway_request_seconds", "From the head of a request to the end of its answer.", "route", _BUCKETS
        )
        for collector in (self._requests, self._seconds):
            registry.register(collector)
        self._refusals = Counter(
            "gateway_refusals", "Requests no service answered, by the code that says why.", ("code",), registry=registry
        )
        self._retries = Counter("gateway_retries", "Requests sent a second time.", ("upstream",), registry=registry)
        self.spans_dropped = Counter("gateway_spans_dropped", "Spans that could not be sent.", registry=registry)
        self._deprecated = Counter(
            "gateway_deprecated_requests",
            "Requests of a deprecated version by who made them.",
            ("route", "version", "consumer"),
            registry=registry,
        )
        self.in_flight = Gauge("gateway_requests_in_flight", "Requests being answered.", registry=registry)
        self.streams = Gauge("gateway_streams", "Live streams.", registry=registry)
        self.ready = Gauge("gateway_dependency_healthy", "1 when it answers.", ("name",), registry=registry)
        self._consumers: set[str] = set()

    def exchange(self, exchange: Exchange, seconds: float) -> None:
        """A request of the data plane is over."""
        found = exchange.match
        name = found.route.name if found else "unmatched"
        self._requests.add(name, exchange.method, exchange.status)
        self._seconds.observe(name, seconds, exchange.trace.trace_hex if exchange.trace.sampled else None)
        if exchange.code:
            self._refusals.labels(exchange.code).inc()
        if found is None:
            return
        if exchange.retried:
            self._retries.labels(found.upstream).inc()
        if found.route.sunset is not None:
            self._deprecated.labels(name, str(found.route.version), self._consumer(exchange)).inc()

    def request(
        self, route: str, method: bytes | str, status: int, seconds: float, trace_id: str | None = None
    ) -> None:
        """A request of either plane is over; ``trace_id`` where it was sampled."""
        self._requests.add(route, method, status)
        self._seconds.observe(route, seconds, trace_id)

    def _consumer(self, exchange: Exchange) -> str:
        """Bounded: the first few hundred by name, the rest together."""
        principal, api_keys = exchange.principal, exchange.gateway.api_keys
        name = f"user:{principal.subject}" if principal else "anonymous"
        if principal is not None and principal.forward_as is not None and api_keys is not None:
            # Which of a user's programs is to be changed is told by its key.
            key = api_keys.public_id(exchange.head.fields[b"x-api-key"])
            name = f"key:{key}" if key else name
        if name in self._consumers:
            return name
        if len(self._consumers) >= _MAX_CONSUMERS:
            return "other"
        self._consumers.add(name)
        return name
