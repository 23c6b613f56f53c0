"""The services' OpenAPI documents: fetched together, kept for a while, the last known copy kept while one is down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from gateway.control.openapi_merge import merge
from gateway.control.representation import Representation
from gateway.upstream.fetch import FetchError

if TYPE_CHECKING:
    from gateway.runtime import Gateway

log = structlog.stdlib.get_logger(__name__)

_HEADERS = {"cache-control": "no-cache"}
_KEPT_SECONDS = 30.0
_KEPT_WHILE_MISSING = 2.0


class Documents:
    """``merged`` is the whole document; one fetch at a time for all who ask."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._known: dict[str, dict[str, Any]] = {}
        self._merged = Representation(b"", "application/json", _HEADERS)
        self._body = b""
        self._until = 0.0
        self._table: object = None
        self._lock = asyncio.Lock()

    async def merged(self) -> Representation:
        """Fresh enough, or made anew."""
        async with self._lock:
            loop = asyncio.get_running_loop()
            table = self._gateway.table
            if loop.time() >= self._until or self._table is not table:
                names = [name for name, model in table.model.upstreams.items() if model.openapi]
                reached = await asyncio.gather(*(self._fetch(name) for name in names))
                documents = {name: self._known[name] for name in names if name in self._known}
                missing = [name for name in names if name not in self._known]
                body = orjson.dumps(merge(table, documents, missing))
                if body != self._body:
                    self._body, self._merged = body, Representation(body, "application/json", _HEADERS)
                self._until = loop.time() + (_KEPT_SECONDS if all(reached) else _KEPT_WHILE_MISSING)
                self._table = table
            return self._merged

    async def _fetch(self, name: str) -> bool:
        model = self._gateway.table.model.upstreams[name]
        try:
            answer = await self._gateway.fetcher.get(self._gateway.upstreams[name].url(model.openapi or ""))
            document = orjson.loads(answer.body)
        except (FetchError, ValueError) as error:
            log.warning("openapi_fetch_failed", upstream=name, error=str(error))
            return False
        if isinstance(document, dict):
            self._known[name] = document
        return True
