"""The open WebSockets, counted; shown at scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from gateway.data.tunnel import Tunnel


class Tunnels:
    """A collector: live ones by route, and what the ended ones were ended by and carried."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._live: Counter[str] = Counter()
        self._ended: Counter[tuple[str, str]] = Counter()
        self._carried: Counter[tuple[str, str]] = Counter()
        registry.register(self)

    def __len__(self) -> int:
        return self._live.total()

    def opened(self, tunnel: Tunnel) -> None:
        """The service has agreed."""
        self._live[_route(tunnel)] += 1

    def closed(self, tunnel: Tunnel) -> None:
        """Either side, the idle time or the end of the process has ended it."""
        route = _route(tunnel)
        self._live[route] -= 1
        self._ended[route, tunnel.ended_by] += 1
        self._carried[route, "to_service"] += tunnel.client.received
        self._carried[route, "to_client"] += tunnel.upstream.received

    def collect(self) -> Iterable[Metric]:
        """From the registry."""
        live = GaugeMetricFamily("gateway_websockets", "Open WebSockets.", labels=("route",))
        for route, count in self._live.items():
            live.add_metric((route,), count)
        ended = CounterMetricFamily("gateway_websockets_ended", "By whom or what.", labels=("route", "by"))
        for labels, count in self._ended.items():
            ended.add_metric(labels, count)
        carried = CounterMetricFamily(
            "gateway_websocket_bytes", "Carried by those that have ended.", labels=("route", "direction")
        )
        for labels, count in self._carried.items():
            carried.add_metric(labels, count)
        return live, ended, carried


def _route(tunnel: Tunnel) -> str:
    found = tunnel.exchange.match
    return found.route.name if found else ""
