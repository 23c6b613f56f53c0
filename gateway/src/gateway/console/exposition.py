"""The few samples that the console shows of a page in Prometheus' text format, which may have thousands."""

from __future__ import annotations

import math
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

# Conventions for queues, outboxes and jobs, whoever keeps to them; a service is not named here.
PREFIXES = ("outbox_", "jobs_", "consumer_", "bus_", "webhook_")
_SUFFIXES_LEFT_OUT = ("_bucket", "_sum", "_count", "_created")
_MOST = 400


def shown_samples(text: str) -> list[dict[str, Any]]:
    """``{"name", "labels", "value"}`` of gauges and counters, the first 400. Raises ValueError."""
    # Parsed are only the lines that are shown: the parser takes its time for each.
    lines = [line for line in text.splitlines() if line.startswith(PREFIXES) and not _left_out(line)]
    families = text_string_to_metric_families("\n".join(lines[:_MOST]) + "\n")
    return [
        {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
        for family in families
        for sample in family.samples
        if math.isfinite(sample.value)
    ]


def _left_out(line: str) -> bool:
    return line.partition("{")[0].partition(" ")[0].endswith(_SUFFIXES_LEFT_OUT)
