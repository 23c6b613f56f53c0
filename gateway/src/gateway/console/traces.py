"""The newest traces, and one as the rows of a waterfall, from Jaeger's query API (``/api/traces``)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from gateway.console.waterfall import summary, waterfall
from gateway.upstream.fetch import FetchError

if TYPE_CHECKING:
    from gateway.upstream.fetch import Fetcher

_SERVICE = "gateway"
_LISTED = 25
_LOOKBACK = "1h"
_KEPT_SECONDS = 1.0


class TracesUnavailableError(Exception):
    """No traces API is set, or it gives no usable answer; the message is for people."""


class Traces:
    """``url`` is the API's base; all who ask within a second get the same list."""

    def __init__(self, fetcher: Fetcher, url: str | None) -> None:
        self._fetcher = fetcher
        self._url = url
        self._lock = asyncio.Lock()
        self._newest: list[dict[str, Any]] = []
        self._until = 0.0

    async def newest(self) -> list[dict[str, Any]]:
        """The last hour's newest 25 that the gateway has a part in. Raises TracesUnavailableError."""
        async with self._lock:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._until:
                found = await self._ask(f"/api/traces?service={_SERVICE}&limit={_LISTED}&lookback={_LOOKBACK}")
                rows = [summary(trace) for trace in found if trace.get("spans")]
                self._newest = sorted(rows, key=lambda row: -row["began"])
                self._until = loop.time() + _KEPT_SECONDS
            return self._newest

    async def one(self, trace_id: str) -> dict[str, Any] | None:
        """The spans in the order of a tree; None where no such trace has come in. Raises TracesUnavailableError."""
        try:
            found = await self._ask(f"/api/traces/{trace_id}")
        except _NotThereError:
            return None
        return waterfall(found[0]) if found and found[0].get("spans") else None

    async def _ask(self, path: str) -> list[dict[str, Any]]:
        if self._url is None:
            raise TracesUnavailableError("No traces are shown here: CONSOLE_TRACES_API is not set.")
        try:
            answer = await self._fetcher.get(self._url + path)
            data = orjson.loads(answer.body)["data"]
        except FetchError as error:
            if str(error) == "status 404":
                raise _NotThereError from error
            raise TracesUnavailableError("The traces API does not answer.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise TracesUnavailableError("The traces API answers something else than traces.") from error
        return data or []


class _NotThereError(TracesUnavailableError):
    pass
