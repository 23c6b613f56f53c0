"""Sends spans to an OTLP/HTTP endpoint: a batch at a time, never waited for by a request, bounded when it is away."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import structlog

from gateway.telemetry.otlp import Attributes, export_request
from gateway.upstream.fetch import FetchError

if TYPE_CHECKING:
    from prometheus_client import Counter

    from gateway.upstream.fetch import Fetcher

log = structlog.stdlib.get_logger(__name__)

_EVERY = 0.5
_BATCH = 1024
_MAX_HELD = 16_384
_TRIES = 3
_TAKEN = range(200, 300)
# An answer that says "later" (OTLP specification, section "Failures").
_LATER = frozenset({429, 502, 503, 504})
_STOP_SECONDS = 3.0


class SpanExporter:
    """``url`` is that of the traces; ``headers`` go along, such as a collector's key."""

    def __init__(
        self, fetcher: Fetcher, url: str, headers: dict[str, str], resource: Attributes, dropped: Counter
    ) -> None:
        self._fetcher = fetcher
        self._url, self._headers, self._resource = url, headers, resource
        self._held: deque[bytes] = deque()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._sender: asyncio.Task[None] | None = None
        self._dropped = dropped

    def add(self, span: bytes) -> None:
        """Held until the next batch; dropped and counted where too many wait."""
        if len(self._held) >= _MAX_HELD:
            self._dropped.inc()
            return
        self._held.append(span)
        if self._sender is not None:
            return
        if len(self._held) >= _BATCH:
            self._send()
        elif self._timer is None:
            self._timer = self._loop.call_later(_EVERY, self._send)

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sender is None:
            self._sender = self._loop.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._held:
                batch = [self._held.popleft() for _ in range(min(_BATCH, len(self._held)))]
                if not await self._sent(export_request(self._resource, "gateway", batch)):
                    self._dropped.inc(len(batch))
        finally:
            self._sender = None

    async def _sent(self, body: bytes) -> bool:
        reason = ""
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(2**attempt)
            try:
                answer = await self._fetcher.post(self._url, body, self._headers)
            except FetchError as error:
                reason = str(error)
                continue
            if answer.status in _TAKEN:
                return True
            reason = f"status {answer.status}"
            if answer.status not in _LATER:
                # Sent again it would be refused again.
                break
        log.warning("spans_not_sent", reason=reason)
        return False

    async def stop(self) -> None:
        """Send what is held, for a few seconds at most."""
        self._send()
        sender = self._sender
        if sender is not None:
            await asyncio.wait({sender}, timeout=_STOP_SECONDS)
            sender.cancel()
