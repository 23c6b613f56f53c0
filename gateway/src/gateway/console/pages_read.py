"""The metrics pages of CONSOLE_METRICS, read together while somebody watches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.console.exposition import shown_samples
from gateway.upstream.fetch import FetchError

if TYPE_CHECKING:
    from gateway.upstream.fetch import Fetcher

_SECONDS = 2.0


class PagesRead:
    """One that is not there is told of, and holds nobody up."""

    def __init__(self, fetcher: Fetcher, pages: tuple[tuple[str, str], ...]) -> None:
        self._fetcher = fetcher
        self._pages = pages

    async def now(self) -> list[dict[str, Any]]:
        """``{"page", "reached", "samples"}`` for each, in the order of the setting."""
        return list(await asyncio.gather(*(self._one(name, url) for name, url in self._pages)))

    async def _one(self, name: str, url: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await self._fetcher.get(url)
            samples = shown_samples(answer.body.decode("utf-8", "replace"))
        except (FetchError, TimeoutError, ValueError):
            return {"page": name, "reached": False, "samples": []}
        return {"page": name, "reached": True, "samples": samples}
