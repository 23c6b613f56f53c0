"""All upstreams of the routes file, by name; a reload changes what changed and nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.upstream.overload import Overload
from gateway.upstream.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.routes.model import UpstreamModel
    from gateway.upstream.fetch import Fetcher

_OVERLOAD_SECONDS = 1.0


class Upstreams:
    """``upstreams[name]`` on the hot path."""

    def __init__(self, models: dict[str, UpstreamModel], fetcher: Fetcher) -> None:
        self.overload = Overload()
        self._fetcher = fetcher
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._by_name = {name: self._made(name, model, None) for name, model in models.items()}
        # What reloads took away.
        self._gone: dict[str, Upstream] = {}
        self._watch()

    def __getitem__(self, name: str) -> Upstream:
        # A request that was routed by the file before may still come to ask for what that one had.
        return self._by_name.get(name) or self._gone[name]

    def __iter__(self) -> Iterator[Upstream]:
        return iter(self._by_name.values())

    def _made(self, name: str, model: UpstreamModel, before: Upstream | None) -> Upstream:
        upstream = Upstream(name, model, before)
        upstream.start_checks(self._fetcher)
        return upstream

    def _watch(self) -> None:
        """Only while an upstream has a limit that sheds."""
        limits = [upstream.admission.concurrency for upstream in self if upstream.admission.concurrency is not None]
        self.overload.tick(limits)
        self._timer = self._loop.call_later(_OVERLOAD_SECONDS, self._watch) if limits else None

    def reload(self, models: dict[str, UpstreamModel]) -> None:
        """What is under way keeps the upstream it began with, which closes as its answers end."""
        old = self._by_name
        self._by_name = {
            name: old[name] if name in old and old[name].model == model else self._made(name, model, old.get(name))
            for name, model in models.items()
        }
        self._gone |= {name: upstream for name, upstream in old.items() if name not in self._by_name}
        for name, upstream in old.items():
            now = self._by_name.get(name)
            if now is not upstream:
                upstream.close(now)
        if self._timer is not None:
            self._timer.cancel()
        self._watch()

    def close(self) -> None:
        """Close what is idle now, and the rest as it comes back."""
        if self._timer is not None:
            self._timer.cancel()
        for upstream in self:
            upstream.close()
