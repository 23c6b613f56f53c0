"""What the upstreams are doing, told when Prometheus asks; labels are names of the routes file, never paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.routes.model import PRIORITIES
from gateway.upstream.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from gateway.upstream.upstreams import Upstreams

_BREAKER_STATES = ("closed", "open", "half_open")


class UpstreamCollector(Collector):
    """Registered once a process."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    def collect(self) -> Iterable[Metric]:
        """For the registry."""
        yield from self._targets()
        yield from self._connections()
        yield from self._admission()
        yield GaugeMetricFamily(
            "gateway_overload_level",
            "Of the worst upstream, the part of its requests that is shed.",
            self._upstreams.overload.level,
        )

    def _targets(self) -> Iterable[Metric]:
        labels = ("upstream", "target")
        usable = GaugeMetricFamily("gateway_target_usable", "1 while it gets requests for its own part.", labels=labels)
        under_way = GaugeMetricFamily("gateway_target_outstanding", "Attempts under way.", labels=labels)
        weight = GaugeMetricFamily("gateway_target_weight", "Lower during a slow start.", labels=labels)
        ejections = CounterMetricFamily("gateway_target_ejections", "Times it was ejected.", labels=labels)
        attempts = CounterMetricFamily(
            "gateway_target_attempts", "Attempts by what came of them.", labels=(*labels, "outcome")
        )
        panicking = GaugeMetricFamily(
            "gateway_upstream_panicking", "1 while too few targets are usable, so that all are used.", labels=labels[:1]
        )
        for upstream in self._upstreams:
            panicking.add_metric([upstream.name], float(upstream.panicking))
            for target in upstream.targets:
                names = [upstream.name, target.name]
                usable.add_metric(names, float(target.usable))
                under_way.add_metric(names, target.outstanding)
                weight.add_metric(names, target.weight)
                ejections.add_metric(names, target.record.total)
                for outcome in Outcome:
                    attempts.add_metric([*names, outcome.name.lower()], target.outcomes[outcome])
        return usable, under_way, weight, ejections, attempts, panicking

    def _connections(self) -> Iterable[Metric]:
        labels = ("upstream",)
        open_ones = GaugeMetricFamily("gateway_upstream_connections", "Connections to a service.", labels=labels)
        waiting = GaugeMetricFamily("gateway_upstream_waiting", "Requests that wait for a connection.", labels=labels)
        for upstream in self._upstreams:
            open_ones.add_metric([upstream.name], sum(target.pool.size for target in upstream.targets))
            waiting.add_metric([upstream.name], upstream.waiting)
        return open_ones, waiting

    def _admission(self) -> Iterable[Metric]:
        labels = ("upstream",)
        streams = GaugeMetricFamily("gateway_upstream_streams", "Live streams.", labels=labels)
        breaker = GaugeMetricFamily("gateway_upstream_breaker", "1 for the state it is in.", labels=(*labels, "state"))
        opened = CounterMetricFamily("gateway_upstream_breaker_opened", "Times it opened.", labels=labels)
        limit = GaugeMetricFamily("gateway_upstream_concurrency_limit", "Requests at a time, at most.", labels=labels)
        in_flight = GaugeMetricFamily("gateway_upstream_in_flight", "Requests the limit counts.", labels=labels)
        calm = GaugeMetricFamily("gateway_upstream_calm_seconds", "Median answer time without a queue.", labels=labels)
        shed = CounterMetricFamily(
            "gateway_upstream_shed", "Requests refused as overloaded.", labels=(*labels, "priority")
        )
        for upstream in self._upstreams:
            name, admission = [upstream.name], upstream.admission
            streams.add_metric(name, admission.streams)
            if admission.breaker is not None:
                for state in _BREAKER_STATES:
                    breaker.add_metric([*name, state], float(admission.breaker.state == state))
                opened.add_metric(name, admission.breaker.opened)
            if admission.concurrency is not None:
                limit.add_metric(name, admission.concurrency.limit)
                in_flight.add_metric(name, admission.concurrency.in_flight)
                calm.add_metric(name, admission.concurrency.calm)
                for priority, count in zip(PRIORITIES, admission.concurrency.shed, strict=True):
                    shed.add_metric([*name, priority], count)
        return streams, breaker, opened, limit, in_flight, calm, shed
