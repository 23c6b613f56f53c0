"""A snapshot of the metrics made ready to be compared with an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.workers.sums import Snapshot

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]


@dataclass(frozen=True)
class Reading:
    """All samples at a time; ``at`` is of a clock that only goes on, in seconds."""

    at: float
    samples: dict[str, dict[Labels, float]]

    @classmethod
    def of(cls, snapshot: Snapshot, at: float) -> Reading:
        """From a worker's metrics, or the sum of all."""
        samples: dict[str, dict[Labels, float]] = {}
        for _, _, _, _, found in snapshot:
            for name, labels, value, _ in found:
                samples.setdefault(name, {})[_key(labels)] = float("nan") if value is None else value
        return cls(at, samples)

    def rows(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each sample of that name."""
        return [(dict(labels), value) for labels, value in self.samples.get(name, {}).items()]

    def value(self, name: str, **labels: str) -> float | None:
        """One sample; None where there is none."""
        return self.samples.get(name, {}).get(_key(labels))

    def since(self, earlier: Reading, name: str) -> list[tuple[dict[str, str], float]]:
        """By how much each counter of that name grew; one that fell was begun anew and counts as it stands."""
        before = earlier.samples.get(name, {})
        grown: list[tuple[dict[str, str], float]] = []
        for labels, value in self.samples.get(name, {}).items():
            growth = value - before.get(labels, 0.0)
            grown.append((dict(labels), growth if growth >= 0 else value))
        return grown


def _key(labels: dict[str, Any]) -> Labels:
    return tuple(sorted((str(name), str(value)) for name, value in labels.items()))
