"""Counters and histograms as plain numbers: what a request adds to them costs an addition, not a look-up of labels.

They are made into Prometheus' families when somebody asks (``collect``), which is seldom.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

Label = str | bytes | int


class Counts(Collector):
    """A counter by the values of its labels, in their order."""

    def __init__(self, name: str, documentation: str, labels: tuple[str, ...]) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self._values: dict[tuple[Label, ...], int] = {}

    def add(self, *labels: Label) -> None:
        """One more."""
        values = self._values
        values[labels] = values.get(labels, 0) + 1

    def collect(self) -> Iterable[CounterMetricFamily]:
        """For the registry."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, value in self._values.items():
            family.add_metric([_text(label) for label in labels], value)
        yield family


class Durations(Collector):
    """A histogram of seconds by one label; of sampled requests each bucket keeps the last as its exemplar."""

    def __init__(self, name: str, documentation: str, label: str, buckets: tuple[float, ...]) -> None:
        self._name, self._documentation, self._label = name, documentation, label
        self._bounds = buckets
        # By label: a number for each bucket, one for what is above them, and last the sum.
        self._cells: dict[str, list[float]] = {}
        self._exemplars: dict[tuple[str, int], Exemplar] = {}

    def observe(self, label: str, seconds: float, trace_id: str | None = None) -> None:
        """One more; ``trace_id`` where its trace can be looked at."""
        cells = self._cells.get(label)
        if cells is None:
            cells = self._cells[label] = [0.0] * (len(self._bounds) + 2)
        bucket = bisect_left(self._bounds, seconds)
        cells[bucket] += 1
        cells[-1] += seconds
        if trace_id is not None:
            self._exemplars[label, bucket] = Exemplar({"trace_id": trace_id}, seconds, time.time())

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """For the registry."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=(self._label,))
        for label, cells in self._cells.items():
            family.add_metric([label], list(self._cumulated(label, cells)), cells[-1])
        yield family

    def _cumulated(self, label: str, cells: list[float]) -> Iterator[tuple[str, float] | tuple[str, float, Exemplar]]:
        total = 0.0
        for bucket, bound in enumerate((*self._bounds, float("inf"))):
            total += cells[bucket]
            name = "+Inf" if bound == float("inf") else str(float(bound))
            exemplar = self._exemplars.get((label, bucket))
            yield (name, total) if exemplar is None else (name, total, exemplar)


def _text(label: Label) -> str:
    return label.decode("ascii") if isinstance(label, bytes) else str(label)
