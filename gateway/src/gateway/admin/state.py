"""What one worker says of itself, part by part."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.admin.shown import shown
from gateway.data.exchange import Exchange

if TYPE_CHECKING:
    from gateway.runtime import Gateway

# Of what is in flight, the oldest: those are what somebody looks for.
_MOST = 200


def state(gateway: Gateway, parts: list[str]) -> dict[str, Any]:
    """The named ones, all where none is named. Raises KeyError."""
    return {name: PARTS[name](gateway) for name in parts or PARTS}


def _config(gateway: Gateway) -> dict[str, Any]:
    reloading = gateway.reloading
    loaded = datetime.fromtimestamp(reloading.loaded_at, UTC).isoformat(timespec="seconds")
    settings = {name: shown(getattr(gateway.settings, name), name) for name in _SETTINGS}
    return {
        "version": reloading.version,
        "loaded_at": loaded,
        "problems": reloading.problems,
        "pid": os.getpid(),
        "draining": gateway.draining,
        "keys_known": gateway.keys.known,
        "settings": settings,
    }


def _routes(gateway: Gateway) -> Any:
    return shown(gateway.table.routes)


def _upstreams(gateway: Gateway) -> Any:
    return shown([upstream.state() for upstream in gateway.upstreams])


def _limits(gateway: Gateway) -> dict[str, Any]:
    return {**gateway.limiter.state(), "policies": shown(gateway.table.model.limits)}


def _cache(gateway: Gateway) -> dict[str, Any]:
    memory = gateway.cache.memory
    outcomes: Counter[str] = Counter()
    for family in gateway.cache.outcomes.collect():
        for sample in family.samples:
            outcomes[sample.labels["outcome"]] += int(sample.value)
    return {
        "answers": len(memory),
        "bytes": memory.used,
        "bytes_at_most": memory.limit,
        "evicted": memory.evicted,
        "outcomes": dict(outcomes),
        "hit_ratio": round(outcomes["hit"] / outcomes.total(), 4) if outcomes else None,
    }


def _connections(gateway: Gateway) -> dict[str, Any]:
    now = asyncio.get_running_loop().time()
    flying = sorted((one for one in gateway.deadlines if isinstance(one, Exchange)), key=lambda one: one.started)
    return {
        "in_flight": len(flying),
        "streams": len(gateway.streams),
        "websockets": len(gateway.tunnels),
        "oldest": [_exchange(one, now) for one in flying[:_MOST]],
    }


def _exchange(one: Exchange, now: float) -> dict[str, Any]:
    """Without the path: it may name what is nobody's business (the route's name says where it went)."""
    return {
        "age_seconds": round(now - one.started, 3),
        "method": one.method.decode("ascii"),
        "route": one.match.route.name if one.match else None,
        "upstream": one.match.upstream if one.match else None,
        "client": one.address,
        "request_id": one.request_id.decode("ascii"),
        "answer_begun": one.head_sent,
        "websocket": one.tunnel is not None,
        "bytes_in": one.bytes_in,
        "bytes_out": one.bytes_out,
    }


# Not all: what holds a secret is left out altogether.
_SETTINGS: Final = (
    "environment", "host", "port", "workers", "routes", "watch_seconds", "issuer", "audience", "jwks_url",
    "ca_file", "trusted_proxies", "metrics_open", "compress", "otlp_endpoint", "trace_ratio", "log_level",
    "client_seconds", "keep_alive_seconds", "not_ready_seconds", "drain_seconds",
)  # fmt: skip

PARTS: Final[dict[str, Callable[[Gateway], Any]]] = {
    "config": _config,
    "routes": _routes,
    "upstreams": _upstreams,
    "limits": _limits,
    "cache": _cache,
    "connections": _connections,
}
