"""How the things behind the gateway are, as each says itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from gateway.upstream.fetch import FetchError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.runtime import Gateway

State = Literal["healthy", "unhealthy"]
_KEPT_SECONDS = 1.0


class Checks:
    """Asks every service for its own readiness, at most once a second and for all who ask at once."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._states: dict[str, State] = {}
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def states(self) -> dict[str, State]:
        """By name."""
        async with self._lock:
            if asyncio.get_running_loop().time() >= self._until:
                self._states = await self._ask()
                self._until = asyncio.get_running_loop().time() + _KEPT_SECONDS
        return {**self._redis(), **await self._crew(), **self._states}

    def _redis(self) -> dict[str, State]:
        """Nothing where there is none."""
        limiter = self._gateway.limiter
        return {} if limiter.alone else {"redis": "healthy" if limiter.up else "unhealthy"}

    async def _crew(self) -> dict[str, State]:
        """Whether all workers take connections; nothing where there is only one."""
        crew = await self._gateway.team.crew()
        if crew is None:
            return {}
        return {"workers": "healthy" if crew["accepting"] == crew["wanted"] else "unhealthy"}

    async def _ask(self) -> dict[str, State]:
        upstreams = self._gateway.table.model.upstreams
        states = await asyncio.gather(
            *(self._any(place.url + upstream.health for place in upstream.places) for upstream in upstreams.values())
        )
        found = dict(zip(upstreams, states, strict=True))
        # A reload may have taken some away.
        self._gateway.metrics.ready.clear()
        for name, state in found.items():
            self._gateway.metrics.ready.labels(name).set(state == "healthy")
        return found

    async def _any(self, urls: Iterable[str]) -> State:
        """A service is there while one of its targets is."""
        states = await asyncio.gather(*(self._one(url) for url in urls))
        return "healthy" if "healthy" in states else "unhealthy"

    async def _one(self, url: str) -> State:
        try:
            async with asyncio.timeout(2):
                await self._gateway.fetcher.get(url)
        except (FetchError, TimeoutError):
            return "unhealthy"
        return "healthy"
