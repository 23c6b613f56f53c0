"""Metrics of the attempts after the first."""

from prometheus_client import CollectorRegistry

from gateway.telemetry.series import Counts


class FurtherAttempts:
    """``made`` by upstream and reason, ``refused`` by upstream and what forbade it (budget, deadline).

    ``hedges`` by route and what came of them: the second attempt won or lost, saved the request when the first broke,
    failed itself, or was not made (budget, share, overloaded, no_connection).
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.made = Counts(
            "gateway_further_attempts",
            "Attempts after the first: stale, not_taken, connect, reset, status, late, hedge.",
            ("upstream", "reason"),
        )
        self.refused = Counts(
            "gateway_further_attempts_refused", "Attempts that were not made.", ("upstream", "reason")
        )
        self.hedges = Counts("gateway_hedges", "What came of second attempts beside slow ones.", ("route", "outcome"))
        registry.register(self.hedges)
        registry.register(self.made)
        registry.register(self.refused)
