"""Requests between two readings: rates, errors and answer times, of all and by route."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.console.quantile import quantile

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.console.reading import Reading

_SERVER_ERROR, _CLIENT_ERROR = 500, 400


@dataclass
class _Grown:
    ok: float = 0.0
    client_errors: float = 0.0
    server_errors: float = 0.0
    buckets: dict[float, float] = field(default_factory=lambda: defaultdict[float, float](float))

    def add(self, status: int, count: float) -> None:
        if status >= _SERVER_ERROR:
            self.server_errors += count
        elif status >= _CLIENT_ERROR:
            self.client_errors += count
        else:
            self.ok += count

    def told(self, seconds: float) -> dict[str, Any]:
        """Rates in requests a second, times in seconds."""
        return {
            "rate": round((self.ok + self.client_errors + self.server_errors) / seconds, 3),
            "ok": round(self.ok / seconds, 3),
            "client_errors": round(self.client_errors / seconds, 3),
            "server_errors": round(self.server_errors / seconds, 3),
            "p50": quantile(0.5, self.buckets),
            "p99": quantile(0.99, self.buckets),
        }


def traffic(now: Reading, earlier: Reading, long_lived: Collection[str], own: Collection[str]) -> list[dict[str, Any]]:
    """A row for all (its ``route`` is None), then one for each route with requests, the busiest first.

    The times of ``long_lived`` routes are how long somebody watched, so they are in no quantile; requests of ``own``
    routes are those of whoever looks on, and are left out.
    """
    seconds = max(now.at - earlier.at, 1e-3)
    routes: dict[str, _Grown] = defaultdict(_Grown)
    whole = _Grown()
    for labels, count in now.since(earlier, "gateway_requests_total"):
        if count > 0 and labels["route"] not in own:
            routes[labels["route"]].add(int(labels["status"]), count)
            whole.add(int(labels["status"]), count)
    for labels, count in now.since(earlier, "gateway_request_seconds_bucket"):
        route = labels["route"]
        if route in routes and route not in long_lived:
            routes[route].buckets[float(labels["le"])] += count
            whole.buckets[float(labels["le"])] += count
    rows: list[dict[str, Any]] = [{"route": name, **grown.told(seconds)} for name, grown in routes.items()]
    rows.sort(key=lambda row: (-row["rate"], row["route"]))
    return [{"route": None, **whole.told(seconds)}, *rows]
