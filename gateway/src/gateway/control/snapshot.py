"""A worker's metrics as plain data for the way to its siblings, and back as families for Prometheus' encoders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import Metric
from prometheus_client.samples import Exemplar

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from gateway.workers.sums import Snapshot


def plain(registry: CollectorRegistry) -> Snapshot:
    """All there is in ``registry`` now, as gateway.workers.sums describes it."""
    return [
        [
            metric.name,
            metric.type,
            metric.documentation,
            metric.unit,
            [[sample.name, sample.labels, sample.value, _plain(sample.exemplar)] for sample in metric.samples],
        ]
        for metric in registry.collect()
    ]


class Families:
    """A snapshot in the shape that the encoders take: something to ``collect`` from."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """As CollectorRegistry's."""
        for name, kind, text, unit, samples in self._snapshot:
            metric = Metric(name, text, kind, unit)
            for sample, labels, value, exemplar in samples:
                metric.add_sample(sample, labels, value, exemplar=Exemplar(*exemplar) if exemplar else None)
            yield metric


def _plain(exemplar: Exemplar | None) -> list[Any] | None:
    return None if exemplar is None else [exemplar.labels, exemplar.value, exemplar.timestamp]
