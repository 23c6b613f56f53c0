"""What one gateway process holds: made once at start, handed to every connection."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from gateway.cache.measures import Measures
from gateway.cache.shared_cache import SharedCache
from gateway.console.sampler import Sampler
from gateway.console.traces import Traces
from gateway.control.checks import Checks
from gateway.control.documents import Documents
from gateway.control.paths import OwnPaths
from gateway.data.client_address import TrustedProxies
from gateway.data.deadlines import Deadlines
from gateway.data.further_attempts import FurtherAttempts
from gateway.data.known_heads import KnownHeads
from gateway.data.mirror import Mirrors
from gateway.data.open_connections import OpenConnections
from gateway.data.tunnels import Tunnels
from gateway.identity.api_keys import ApiKeys, basic
from gateway.identity.identify import Identity
from gateway.identity.keys import KeySet
from gateway.identity.revocations import Revocations
from gateway.identity.tokens import TokenVerifier
from gateway.limits.cluster_limiter import limiter_of
from gateway.limits.streams import Streams
from gateway.reloading import Reloading, stamp
from gateway.routes.changes import keeps
from gateway.routes.counters import RoutingCounts
from gateway.routes.load import load_routes
from gateway.routes.table import RouteTable
from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.spans import Spans
from gateway.tls import trust
from gateway.upstream.collector import UpstreamCollector
from gateway.upstream.fetch import Fetcher
from gateway.upstream.upstreams import Upstreams
from gateway.workers.team import Team

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.settings import Settings


class Gateway:
    """The parts, and the two things they share: the clock's date and the record of what happened."""

    def __init__(self, settings: Settings, team: Team | None = None) -> None:
        self.settings = settings
        trust(settings.ca_file)
        self.team = team or Team(None)
        self.loop = asyncio.get_running_loop()
        seen = stamp(settings.routes)
        self.table = RouteTable(load_routes(settings.routes))
        model = self.table.model
        self._own = OwnPaths(model.own)
        self.metrics = Metrics()
        self.fetcher = Fetcher()
        self.spans = Spans(settings, self.fetcher, self.metrics.spans_dropped)
        self.access_log = AccessLog(self.loop, settings.access_log)
        self.routing = RoutingCounts(self.metrics.registry)
        self.mirrors = Mirrors()
        self.deadlines = Deadlines()
        self.further_attempts = FurtherAttempts(self.metrics.registry)
        self.proxies = TrustedProxies(settings.trusted_proxies)
        self.upstreams = Upstreams(model.upstreams, self.fetcher)
        self.overload = self.upstreams.overload
        self.metrics.registry.register(UpstreamCollector(self.upstreams))
        self.known_heads = KnownHeads()
        self.connections = OpenConnections(settings, self.proxies, self.metrics.registry)
        self.keys = KeySet(self.fetcher, settings.jwks_url, settings.jwks_refresh_seconds)
        redis = settings.redis
        self.revocations = Revocations(redis, settings.revocations, self._forget_ended)
        if redis is not None:
            self.metrics.registry.register(self.revocations)
        self.verifier = TokenVerifier(self.keys, settings.issuer, settings.audience, self.revocations.covers)
        api_keys = None
        if model.api_keys is not None:
            asked = model.api_keys
            api_keys = ApiKeys(
                asked,
                lambda: self.upstreams[asked.upstream].url(asked.path),
                settings.scale,
                basic(settings.client_id, settings.client_secret.get_secret_value()),
            )
        self.api_keys = api_keys
        self.identity = Identity(self.verifier, self.keys, api_keys)
        self.limiter = limiter_of(
            redis,
            model,
            settings.scale,
            self.metrics.registry,
            overload=lambda: self.overload.level,
            workers=settings.workers,
            patience=settings.redis_patience_seconds,
        )
        self.streams = Streams(settings.max_streams)
        self.tunnels = Tunnels(self.metrics.registry)
        self.cache = SharedCache(
            model.cache, redis, compress=settings.compress, patience=settings.redis_patience_seconds
        )
        self.metrics.registry.register(self.cache.outcomes)
        self.metrics.registry.register(Measures(self.cache))
        self.checks = Checks(self)
        self.documents = Documents(self)
        self.sampler = Sampler(self)
        self.traces = Traces(self.fetcher, settings.console_traces)
        self.reloading = Reloading(self, seen)
        self.draining = False
        self._date = (0, b"")

    async def start(self) -> None:
        """Begin the background work; servers that are not there yet are waited for in the background."""
        self.reloading.start()
        if self.table.identifies:
            self._identify()
        self.cache.take(self.table.model.cache, used=keeps(self.table.model))
        await self.limiter.start()

    async def stop(self) -> None:
        """After the last answer: close what is open and send what is still held."""
        self.reloading.stop()
        self.keys.stop()
        self.revocations.stop()
        self.limiter.stop()
        self.cache.stop()
        if self.api_keys is not None:
            self.api_keys.close()
        self.upstreams.close()
        self.access_log.flush()
        await self.spans.stop()
        self.fetcher.close()

    def take(self, table: RouteTable) -> None:
        """New routes from now on; what is under way keeps those it began with. See Upstreams for theirs."""
        self.upstreams.reload(table.model.upstreams)
        self.limiter.reload(table.model)
        self.cache.take(table.model.cache, used=keeps(table.model))
        self._own = OwnPaths(table.model.own)
        self.table = table
        if table.identifies:
            self._identify()

    def _identify(self) -> None:
        self.keys.start()
        self.revocations.start()

    def _forget_ended(self) -> None:
        ended = self.verifier.forget_ended()
        if ended and self.api_keys is not None:
            self.api_keys.forget(ended)

    def owns(self, path: bytes) -> bool:
        """Whether the control plane answers the path."""
        return path in self._own

    def date(self) -> bytes:
        """The value of ``Date``, made once a second."""
        now = int(time.time())
        if self._date[0] != now:
            self._date = (now, formatdate(now, usegmt=True).encode())
        return self._date[1]

    def record(self, exchange: Exchange) -> None:
        """An exchange is over: metrics, access log, spans."""
        now_ns = time.time_ns()
        seconds = max(0.0, (now_ns - exchange.started_ns) / 1e9)
        self.metrics.exchange(exchange, seconds)
        self.access_log.exchange(exchange, now_ns, seconds)
        if exchange.trace.sampled:
            self.spans.exchange(exchange, now_ns)
