"""How many requests a process answered, and how many of them with an error of a server's, from its own metrics."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SAMPLE = re.compile(
    r'^(?:http_server_requests_total|gateway_requests_total)\{[^}]*status="(\d+)"[^}]*\} ([0-9.e+]+)', re.MULTILINE
)
_FIRST_ERROR = 500


@dataclass(frozen=True)
class Answered:
    """Counts since the start of the process, or between two looks."""

    all: int
    errors: int

    def __sub__(self, earlier: Answered) -> Answered:
        return Answered(max(0, self.all - earlier.all), max(0, self.errors - earlier.errors))

    @property
    def share(self) -> float:
        """The part of the answers that were errors."""
        return self.errors / self.all if self.all else 0.0


def answered_by(metrics: str) -> Answered:
    """From a service's or the gateway's ``/metrics``, in Prometheus's text format."""
    found = [(int(status), float(count)) for status, count in _SAMPLE.findall(metrics)]
    return Answered(
        int(sum(count for _, count in found)), int(sum(count for status, count in found if status >= _FIRST_ERROR))
    )
