"""Upstreams and limits as the metrics of all workers tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.upstream.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.console.reading import Reading

# The worst of several workers' is what a person has to see.
_BREAKERS = ("open", "half_open", "closed")
_AGAINST = frozenset(outcome.name.lower() for outcome in Outcome if Outcome.FAILED <= outcome <= Outcome.LATE)


def upstreams(now: Reading, earlier: Reading, checks: Mapping[str, str]) -> list[dict[str, Any]]:
    """By name: what it says of itself, breaker, what is in flight, and its targets with weight and failures."""
    seconds = max(now.at - earlier.at, 1e-3)
    failing: dict[tuple[str, str], float] = {}
    for labels, count in now.since(earlier, "gateway_target_attempts_total"):
        if labels["outcome"] in _AGAINST:
            key = (labels["upstream"], labels["target"])
            failing[key] = failing.get(key, 0.0) + count / seconds
    shed: dict[str, float] = {}
    for labels, count in now.since(earlier, "gateway_upstream_shed_total"):
        shed[labels["upstream"]] = shed.get(labels["upstream"], 0.0) + count / seconds
    found: dict[str, dict[str, Any]] = {}
    for labels, connections in now.rows("gateway_upstream_connections"):
        name = labels["upstream"]
        found[name] = {
            "name": name,
            "state": checks.get(name),
            "breaker": _breaker(now, name),
            "connections": connections,
            "waiting": now.value("gateway_upstream_waiting", upstream=name),
            "in_flight": now.value("gateway_upstream_in_flight", upstream=name),
            "limit": now.value("gateway_upstream_concurrency_limit", upstream=name),
            "shed": round(shed.get(name, 0.0), 3),
            "targets": [],
        }
    for labels, usable in now.rows("gateway_target_usable"):
        name, target = labels["upstream"], labels["target"]
        if name in found:
            found[name]["targets"].append(
                {
                    "name": target,
                    "usable": usable > 0,
                    "weight": now.value("gateway_target_weight", upstream=name, target=target),
                    "outstanding": now.value("gateway_target_outstanding", upstream=name, target=target),
                    "failures": round(failing.get((name, target), 0.0), 3),
                }
            )
    return list(found.values())


def _breaker(now: Reading, name: str) -> str | None:
    return next(
        (state for state in _BREAKERS if now.value("gateway_upstream_breaker", upstream=name, state=state)), None
    )


def limits(now: Reading, earlier: Reading) -> dict[str, Any]:
    """Whether Redis counts, and rates a second: refused requests by limit, and refusals of all kinds by their code."""
    seconds = max(now.at - earlier.at, 1e-3)

    def rates(name: str, label: str) -> dict[str, float]:
        grown = ((labels[label], count / seconds) for labels, count in now.since(earlier, name))
        return {name: round(rate, 3) for name, rate in grown if rate > 0}

    return {
        "counted": bool(now.value("gateway_limiter_up")),
        "overload": now.value("gateway_limit_overload_level"),
        "rejections": rates("gateway_limit_rejections_total", "limit"),
        "refusals": rates("gateway_refusals_total", "code"),
    }
