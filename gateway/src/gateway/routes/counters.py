"""What routing decided, for the metrics; kept by the process, so that a reload of the routes loses none of it."""

from prometheus_client import CollectorRegistry

from gateway.telemetry.series import Counts


class RoutingCounts:
    """Registers its counters."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.splits = Counts(
            "gateway_split_requests", "Requests of routes with a split by who got them.", ("route", "upstream")
        )
        self.mirrored = Counts(
            "gateway_mirrored_requests", "Copies of requests by what became of them.", ("route", "outcome")
        )
        self.preflights = Counts("gateway_preflights", "CORS preflights answered.", ("route", "outcome"))
        for counts in (self.splits, self.mirrored, self.preflights):
            registry.register(counts)
