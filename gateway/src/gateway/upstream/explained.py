"""What ``gateway explain`` says of the upstream of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.routes.model import PRIORITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.routes.model import UpstreamModel
    from gateway.routes.table import Route


def explained(name: str, upstream: UpstreamModel, route: Route) -> str:
    """Its lines, each with the name of what it is about first."""
    return "\n".join(f"  {line}" for line in _lines(name, upstream, route))


def _lines(name: str, upstream: UpstreamModel, route: Route) -> Iterator[str]:
    places = ", ".join(f"{place.url} (weight {place.weight})" for place in upstream.places)
    yield f"upstream   {name}" + (f": {upstream.balancing} of {places}" if upstream.targets else "")
    checks, ejection, breaker = upstream.health_checks, upstream.ejection, upstream.breaker
    if checks is not None:
        yield f"checks     GET {upstream.health} every {checks.interval:g}s; out after {checks.unhealthy_after} bad"
    if ejection is not None and len(upstream.targets) > 1:
        yield f"ejection   after {ejection.consecutive} failures in a row, {ejection.base:g}s to {ejection.longest:g}s"
    if breaker is not None:
        rate = f"{breaker.failure_rate:.0%} of at least {breaker.minimum} in {breaker.window:g}s"
        yield f"breaker    opens for {breaker.open_time:g}s when {rate} fail; {breaker.probes} probes"
    if upstream.concurrency is not None and not route.stream:
        yield f"overload   adaptive limit; priority {PRIORITIES[route.rank]}"
