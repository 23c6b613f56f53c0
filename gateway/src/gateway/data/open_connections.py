"""The clients' connections: how many there may be in all and of one address, and which of them are idle since when."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gateway.data.client_address import limit_key

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from gateway.data.client_address import TrustedProxies
    from gateway.settings import Settings

# What the process opens besides: connections to services, to Redis, files.
_RESERVED_FILES = 512
_MOST_FILES = 1 << 20
_SWEEP_SECONDS = 0.25
# So many idle connections are asked to make room.
_ASKED = 32


class Idler(Protocol):
    """A connection that may be idle."""

    def on_idle_end(self) -> None:
        """It was idle for the whole keep-alive time."""
        ...

    def evict(self) -> bool:
        """Close to make room, or say no."""
        ...


class OpenConnections:
    """Counts them, and holds the idle ones in the order in which they became so: one timer for all of them."""

    def __init__(self, settings: Settings, proxies: TrustedProxies, registry: CollectorRegistry) -> None:
        self.most = min(settings.max_connections, max(16, files_allowed() - _RESERVED_FILES))
        self.most_of_one = min(self.most, max(1, int(settings.max_connections * settings.connection_share)))
        self._proxies = proxies
        self._loop = asyncio.get_running_loop()
        self._keep_alive = settings.keep_alive_seconds
        self._of: dict[str, int] = {}
        self._open = 0
        self._idle: dict[Idler, float] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._refused = {"client": 0, "all": 0}
        self._evicted = 0
        registry.register(self)

    def __len__(self) -> int:
        return self._open

    def admit(self, peer: str) -> bool:
        """Count a new connection of ``peer``, or say that there are too many; ``left`` gives an admitted one back.

        With all places taken the longest idle ones make room. A listed proxy has no share: it brings everybody.
        """
        if self._open >= self.most and not self._make_room():
            self._refused["all"] += 1
            return False
        key = limit_key(peer)
        held = self._of.get(key, 0)
        if held >= self.most_of_one and not self._proxies.trusts(peer):
            self._refused["client"] += 1
            return False
        self._of[key] = held + 1
        self._open += 1
        return True

    def left(self, peer: str) -> None:
        """It is closed."""
        key = limit_key(peer)
        self._open -= 1
        self._of[key] -= 1
        if not self._of[key]:
            del self._of[key]

    def idle(self, connection: Idler) -> None:
        """Its time begins now."""
        self._idle.pop(connection, None)
        self._idle[connection] = self._loop.time()
        if self._sweep is None:
            self._sweep = self._loop.call_later(_SWEEP_SECONDS, self._end_idle)

    def busy(self, connection: Idler) -> None:
        """It is idle no longer."""
        self._idle.pop(connection, None)

    def is_idle(self, connection: Idler) -> bool:
        """Whether its time runs."""
        return connection in self._idle

    def idle_for(self, connection: Idler) -> float:
        """Seconds; 0 for one that is not idle."""
        since = self._idle.get(connection)
        return 0.0 if since is None else self._loop.time() - since

    def _end_idle(self) -> None:
        self._sweep = None
        now = self._loop.time()
        old = now - self._keep_alive
        ended: list[Idler] = []
        for connection, since in self._idle.items():
            if since > old:
                break
            ended.append(connection)
        for connection in ended:
            self.busy(connection)
            connection.on_idle_end()
        if self._idle and self._sweep is None:
            self._sweep = self._loop.call_later(_SWEEP_SECONDS, self._end_idle)

    def _make_room(self) -> bool:
        # One for one, though it is counted until it is closed: a burst must not cost more idle ones than it brings.
        evicted = any(connection.evict() for connection in list(islice(self._idle, _ASKED)))
        self._evicted += evicted
        return evicted

    def collect(self) -> Iterable[Metric]:
        """From the registry."""
        live = GaugeMetricFamily("gateway_client_connections", "Open.", labels=("state",))
        live.add_metric(("busy",), self._open - len(self._idle))
        live.add_metric(("idle",), len(self._idle))
        refused = CounterMetricFamily(
            "gateway_client_connections_refused", "Over the bound of one client or of all.", labels=("bound",)
        )
        for bound, count in self._refused.items():
            refused.add_metric((bound,), count)
        evicted = CounterMetricFamily("gateway_client_connections_evicted", "Idle ones closed to make room.")
        evicted.add_metric((), self._evicted)
        return live, refused, evicted


def files_allowed() -> int:
    """How many files the process may have open, after asking for as many as it may ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
