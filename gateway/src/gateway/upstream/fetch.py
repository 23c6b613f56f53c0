"""Small requests of the gateway's own (keys, API-key exchange, OpenAPI documents) over the same pools."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.routes.model import UpstreamModel
from gateway.upstream.pool import Pool

if TYPE_CHECKING:
    from gateway.upstream.connection import Connection

_FIRST_FINAL = 200
_NO_HEADERS: Mapping[str, str] = {}
_MAX_BODY = 8_000_000
_SECONDS = 5.0


class FetchError(Exception):
    """No usable answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes


class _Fetch:
    """Waiter and listener of one fetch."""

    switches = False
    on_whole_answer = None

    def __init__(self, method: bytes, request: bytes, body: bytes) -> None:
        self.method = method
        self.request = request
        self.body = body
        self.pieces: list[bytes] = []
        self.size = 0
        self.status = 0
        self.connection: Connection | None = None
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def on_connection(self, connection: Connection, *, reused: bool) -> None:  # noqa: ARG002 - always asked fresh
        if self.answer.done():
            connection.pool.release(connection)
            return
        self.connection = connection
        connection.begin(self, self.request + self.body)
        connection.request_complete = True

    def on_no_connection(self, *, late: bool) -> None:
        self._fail("late" if late else "unreachable")

    def on_answer_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:  # noqa: ARG002
        if status >= _FIRST_FINAL:
            self.status = status

    def on_answer_body(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > _MAX_BODY and self.connection is not None:
            self.connection.abandon()
            self._fail("too large")
        else:
            self.pieces.append(data)

    def on_trailers(self, trailers: list[tuple[bytes, bytes]]) -> None:
        pass

    def on_answer_batch(self) -> None:
        pass

    def on_answer_end(self) -> None:
        self.connection = None
        if not self.answer.done():
            self.answer.set_result(Answer(self.status, b"".join(self.pieces)))

    def on_connection_lost(self, connection: Connection, *, answered: bool) -> None:  # noqa: ARG002
        self.connection = None
        self._fail("broke off")

    def on_switched(self, transport: asyncio.Transport, headers: list[tuple[bytes, bytes]], rest: bytes) -> None:  # noqa: ARG002
        transport.abort()

    def on_upstream_full(self) -> None:
        pass

    def on_upstream_drained(self) -> None:
        pass

    def _fail(self, reason: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(FetchError(reason))


class Fetcher:
    """Whole answers as awaitables; never on the hot path."""

    def __init__(self) -> None:
        self._pools: dict[str, Pool] = {}

    async def get(self, url: str) -> Answer:
        """Raises FetchError, also for an answer that is not 200."""
        answer = await self._send(b"GET", url, b"")
        if answer.status != 200:  # noqa: PLR2004
            raise FetchError(f"status {answer.status}")
        return answer

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
        """A JSON body; any status. Raises FetchError."""
        return await self._send(b"POST", url, body, headers)

    async def _send(self, method: bytes, url: str, body: bytes, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = Pool(origin, UpstreamModel(url=origin, max_connections=8), origin)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = f"{method.decode()} {target} HTTP/1.1\r\nhost: {parts.netloc}\r\naccept: application/json\r\n"
        if body:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        fetch = _Fetch(method, head.encode() + b"\r\n", body)
        try:
            async with asyncio.timeout(_SECONDS):
                # A connection of its own: no other request can have let it go stale.
                if pool.acquire(fetch, fresh=True) == "full":
                    raise FetchError("busy")
                return await fetch.answer
        except TimeoutError as error:
            raise FetchError("late") from error
        finally:
            pool.give_up(fetch)
            if fetch.connection is not None:
                fetch.connection.abandon()

    def close(self) -> None:
        """Close the idle connections."""
        for pool in self._pools.values():
            pool.close()
