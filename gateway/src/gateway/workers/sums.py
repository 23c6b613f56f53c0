"""Metrics of several workers as one: counters and histograms are added up, gauges by what each means.

A snapshot is plain data (it travels as JSON): a list of families, each ``[name, type, help, unit, samples]`` with
samples ``[name, labels, value, exemplar]``, the exemplar None or ``[labels, value, timestamp]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

Family = list[Any]
Snapshot = list[Family]

# What only ever grows, so that it must not shrink when a worker dies.
_GROWING = frozenset({"counter", "histogram", "summary", "gaugehistogram"})
# A gauge that says "good" is good when all workers say so; one that says how bad it is, as bad as the worst.
_LEAST = ("_up", "_healthy", "_success", "_success_timestamp_seconds", "_usable", "_weight")
_MOST = ("_level", "_breaker", "_panicking", "_calm_seconds", "_info")

Combine = Callable[[float, float], float]


def total(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The families of all ``snapshots``, in the order in which they were first met."""
    families: dict[str, Family] = {}
    samples: dict[str, dict[tuple[str, ...], list[Any]]] = {}
    for snapshot in snapshots:
        for name, kind, text, unit, found in snapshot:
            if name not in families:
                families[name], samples[name] = [name, kind, text, unit, []], {}
            _add(samples[name], found, combination(name, kind))
    for name, family in families.items():
        family[4] = list(samples[name].values())
    return list(families.values())


def lasting(snapshot: Snapshot) -> Snapshot:
    """What remains of a worker that is gone: what it counted, but no gauge."""
    return [family for family in snapshot if family[1] in _GROWING]


def combination(name: str, kind: str) -> Combine:
    """How two workers' values of a family become one."""
    if kind in _GROWING:
        return _plus
    if name.endswith(_LEAST):
        return min
    return max if kind == "info" or name.endswith(_MOST) else _plus


def _plus(one: float, other: float) -> float:
    return one + other


def _add(into: dict[tuple[str, ...], list[Any]], found: list[list[Any]], combine: Combine) -> None:
    for name, labels, value, exemplar in found:
        number = math.nan if value is None else value  # JSON has no NaN
        key = (name, *(part for pair in sorted(labels.items()) for part in pair))
        known = into.get(key)
        if known is None:
            into[key] = [name, labels, number, exemplar]
            continue
        known[2] = min(known[2], number) if name.endswith("_created") else combine(known[2], number)
        if exemplar is not None and (known[3] is None or (exemplar[2] or 0) >= (known[3][2] or 0)):
            known[3] = exemplar
