"""One JSON line a request, gathered and written together; secrets in query strings are blanked."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import orjson

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange

# Words only, no repetition: the query is anybody's, and a pattern that backtracks over it is a way to stop the loop.
_SECRET = re.compile(rb"(?i)token|secret|password|key|sig|code|auth|session|jwt")
_EVERY = 0.05
_MAX_TEXT = 256


def redacted(query: bytes) -> str:
    """The query with the values of whatever sounds like a secret blanked."""
    return b"&".join([_parameter(part) for part in query.split(b"&")]).decode("latin-1")


def _parameter(part: bytes) -> bytes:
    name, equals, _ = part.partition(b"=")
    # By the name that the service will read: %74oken is token.
    return name + b"=***" if equals and _SECRET.search(unquote_to_bytes(name)) else part


class AccessLog:
    """Written to standard output, a batch at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def exchange(self, exchange: Exchange, seconds: float) -> None:
        """A request of the data plane is over."""
        found, principal = exchange.match, exchange.principal
        agent = exchange.head.fields.get(b"user-agent", b"")
        self.line(
            method=exchange.method.decode("ascii"),
            path=exchange.path.decode("latin-1"),
            query=redacted(exchange.query) if exchange.query else "",
            status=exchange.status,
            code=exchange.code,
            duration_ms=round(seconds * 1000, 2),
            route=found.route.name if found else "",
            version=found.route.version if found else None,
            upstream=found.upstream if found else "",
            client=exchange.address,
            user=principal.subject if principal else "",
            limit=exchange.verdict.outcome if exchange.verdict else "",
            retried=exchange.retried,
            bytes_in=exchange.bytes_in,
            bytes_out=exchange.bytes_out,
            user_agent=agent[:_MAX_TEXT].decode("latin-1"),
            request_id=exchange.request_id.decode("ascii"),
            trace_id=exchange.trace.trace_hex,
        )

    def line(self, **fields: Any) -> None:
        """Add one line."""
        now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
        head = {"timestamp": now.replace("+00:00", "Z"), "level": "info", "event": "request", "service": "gateway"}
        self._lines.append(orjson.dumps({**head, **fields}))
        if self._timer is None:
            self._timer = self._loop.call_later(_EVERY, self.flush)

    def flush(self) -> None:
        """Write what has gathered."""
        self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            sys.stdout.buffer.write(b"\n".join(lines) + b"\n")
            sys.stdout.buffer.flush()
