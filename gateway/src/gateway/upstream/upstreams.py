"""All upstreams of the routes file, by name; a reload changes what changed and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.upstream.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.routes.model import UpstreamModel


class Upstreams:
    """``upstreams[name]`` on the hot path."""

    def __init__(self, models: dict[str, UpstreamModel]) -> None:
        self._by_name = {name: Upstream(name, model) for name, model in models.items()}

    def __getitem__(self, name: str) -> Upstream:
        return self._by_name[name]

    def __iter__(self) -> Iterator[Upstream]:
        return iter(self._by_name.values())

    def reload(self, models: dict[str, UpstreamModel]) -> None:
        """What is under way keeps the upstream it began with, which closes as its answers end."""
        old = self._by_name
        self._by_name = {
            name: old[name] if name in old and old[name].model == model else Upstream(name, model, old.get(name))
            for name, model in models.items()
        }
        for name, upstream in old.items():
            now = self._by_name.get(name)
            if now is not upstream:
                upstream.close(now)

    def close(self) -> None:
        """Close what is idle now, and the rest as it comes back."""
        for upstream in self:
            upstream.close()
