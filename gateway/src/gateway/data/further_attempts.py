"""Metrics of the attempts after the first."""

from prometheus_client import CollectorRegistry

from gateway.telemetry.series import Counts


class FurtherAttempts:
    """``made`` by upstream and reason, ``refused`` by upstream and what forbade it (budget, deadline)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.made = Counts(
            "gateway_further_attempts",
            "Attempts after the first: stale, connect, reset, status, late.",
            ("upstream", "reason"),
        )
        self.refused = Counts(
            "gateway_further_attempts_refused", "Attempts that were not made.", ("upstream", "reason")
        )
        registry.register(self.made)
        registry.register(self.refused)
