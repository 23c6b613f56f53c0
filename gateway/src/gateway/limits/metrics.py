"""What the limits tell Prometheus: plain numbers here, made into samples when somebody scrapes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class LimitMetrics(Collector):
    """One a process; ``up`` is None where there is no Redis."""

    def __init__(
        self, registry: CollectorRegistry, up: Callable[[], bool] | None, overload: Callable[[], float]
    ) -> None:
        self.verdicts: defaultdict[str, int] = defaultdict(int)
        self.rejected: defaultdict[str, int] = defaultdict(int)
        self.refunds: defaultdict[str, int] = defaultdict(int)
        self.delayed = 0
        self.delay_seconds = 0.0
        self.calls = 0
        self.late = 0
        self._up = up
        self._overload = overload
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """From the numbers as they stand."""
        verdicts = CounterMetricFamily("gateway_limit_verdicts", "What the limits said.", labels=["outcome"])
        for outcome, number in self.verdicts.items():
            verdicts.add_metric([outcome], number)
        yield verdicts
        rejected = CounterMetricFamily("gateway_limit_rejections", "Refused requests by limit.", labels=["limit"])
        for limit, number in self.rejected.items():
            rejected.add_metric([limit], number)
        yield rejected
        refunds = CounterMetricFamily(
            "gateway_limit_refunds", "Charges of refused requests given back in other slots.", labels=["outcome"]
        )
        for outcome, number in self.refunds.items():
            refunds.add_metric([outcome], number)
        yield refunds
        yield CounterMetricFamily(
            "gateway_limit_delayed", "Requests that waited for their turn in a leaky_queue.", self.delayed
        )
        yield CounterMetricFamily(
            "gateway_limit_delay_seconds", "How long they were told to wait, in all.", self.delay_seconds
        )
        yield CounterMetricFamily("gateway_limiter_calls", "Calls of the script, a batch each.", self.calls)
        yield CounterMetricFamily("gateway_limiter_late", "Calls that were not waited for any longer.", self.late)
        if self._up is not None:
            yield GaugeMetricFamily(
                "gateway_limiter_up", "1 while limits are counted in Redis; 0: each route's mode.", int(self._up())
            )
        yield GaugeMetricFamily(
            "gateway_limit_overload_level", "The overload that tightens limits, 0 to 1.", self._overload()
        )
