"""The cache's figures for Prometheus, read when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.cache.shared_cache import SharedCache


class Measures(Collector):
    """What a request met is counted by ``SharedCache.outcomes``."""

    def __init__(self, cache: SharedCache) -> None:
        self._cache = cache

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        """For the registry."""
        cache, memory = self._cache, self._cache.memory
        yield GaugeMetricFamily("gateway_cache_bytes", "Bytes of kept answers in this process.", memory.used)
        yield GaugeMetricFamily("gateway_cache_answers", "Kept answers in this process.", len(memory))
        yield CounterMetricFamily("gateway_cache_evictions", "Answers that went for want of room.", memory.evicted)
        yield CounterMetricFamily("gateway_cache_invalidations", "Paths that a change put out of date.", cache.changes)
        yield GaugeMetricFamily("gateway_cache_redis_up", "1 while Redis keeps answers too.", int(cache.shared))
