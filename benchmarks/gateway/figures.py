"""The arithmetic of the results; pure, so that a test can hold it."""

import json
from dataclasses import dataclass
from statistics import median

_MARK = "wrk-report "


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw: requests a second, latencies in milliseconds, and how many answers were none or an error."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


class UnreadableReportError(Exception):
    """wrk ended without its report."""


def read_report(output: str) -> Load:
    """The line that report.lua prints at the end of a run; its times are in microseconds."""
    lines = [line for line in output.splitlines() if line.startswith(_MARK)]
    if len(lines) != 1:
        raise UnreadableReportError(output[-500:])
    report = json.loads(lines[0].removeprefix(_MARK))
    return Load(
        requests=report["requests"],
        seconds=report["duration"] / 1e6,
        p50_ms=report["p50"] / 1e3,
        p99_ms=report["p99"] / 1e3,
        errors=sum(report["errors"].values()),
    )


def paired_ratio(ours: list[float], theirs: list[float]) -> tuple[float, list[float]]:
    """Median of the ratios of the rounds, and the ratios: a slow minute of the machine hits both sides of a pair."""
    if len(ours) != len(theirs) or not ours:
        raise ValueError("a ratio needs the same rounds of both")
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return median(ratios), ratios


def percentile(values: list[float], part: float) -> float:
    """The smallest value that at least ``part`` (0..1) of all are not above (nearest rank)."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(part * 10_000) // 10_000))
    return ordered[rank - 1]
