"""Quantiles out of a histogram's buckets, as Prometheus' ``histogram_quantile`` works them out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def quantile(part: float, cumulated: Mapping[float, float]) -> float | None:
    """The value below which ``part`` (0 to 1) of all lie; None where there are none.

    ``cumulated`` has by upper bound (the last one infinite) how many are not above it. Inside of a bucket the values
    are taken to be spread evenly; what is above the last finite bound counts as that bound.
    """
    bounds = sorted(cumulated)
    if not bounds or cumulated[bounds[-1]] <= 0:
        return None
    wanted = part * cumulated[bounds[-1]]
    lower, below = 0.0, 0.0
    for bound in bounds:
        count = cumulated[bound]
        if count >= wanted and count > below:
            return lower if math.isinf(bound) else lower + (bound - lower) * (wanted - below) / (count - below)
        below = max(below, count)
        lower = lower if math.isinf(bound) else bound
    return lower
