"""One line a request, JSON or Apache's combined format, gathered and written together; secrets in queries are blanked.

A line is one formatting of bytes: what repeats (who, which route, which program) is quoted once and remembered.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote_to_bytes

import orjson

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.identity.principal import Principal
    from gateway.routes.table import Route

Format = Literal["json", "combined", "off"]

# Words only, no repetition: the query is anybody's, and a pattern that backtracks over it is a way to stop the loop.
_SECRET = re.compile(rb"(?i)token|secret|password|key|sig|code|auth|session|jwt")
_UNPRINTABLE = re.compile(rb"[^ !#-\[\]-~]")
_EVERY = 0.05
_MAX_TEXT = 256
_HEAD = b'{"timestamp":"%b.%03dZ","level":"info","event":"request","service":"gateway",'
_EXCHANGE = (
    _HEAD + b'"method":"%b","path":%b,"query":%b,"status":%d,"code":"%b","duration_ms":%.3f,%b,'
    b'%b,"limit":"%b","retried":%b,"bytes_in":%d,"bytes_out":%d,'
    b'"request_id":"%b","trace_id":"%b"}'
)
_COMBINED = b'%b - %b [%b +0000] "%b %b HTTP/1.1" %d %d "%b" "%b"'
_JSON_TIME, _COMBINED_TIME = "%Y-%m-%dT%H:%M:%S", "%d/%b/%Y:%H:%M:%S"
_UNROUTED = b'"route":"","version":null,"upstream":""'


def redacted(query: bytes) -> bytes:
    """The query with the values of whatever sounds like a secret blanked."""
    return b"&".join([_parameter(part) for part in query.split(b"&")])


def _parameter(part: bytes) -> bytes:
    name, equals, _ = part.partition(b"=")
    # By the name that the service will read: %74oken is token.
    return name + b"=***" if equals and _SECRET.search(unquote_to_bytes(name)) else part


Told = tuple["Principal | None", str, bytes]


def _who(exchange: Exchange) -> bytes:
    head, principal = exchange.head, exchange.principal
    told = head.derived.told
    if told is None or told[0] is not principal or told[1] != exchange.address:
        user = principal.subject if principal is not None else ""
        agent = head.fields.get(b"user-agent", b"")[:_MAX_TEXT].decode("latin-1")
        said = orjson.dumps({"client": exchange.address, "user": user, "user_agent": agent})[1:-1]
        told = head.derived.told = principal, exchange.address, said
    return told[2]


@lru_cache(maxsize=4096)
def _routed(route: Route, upstream: str) -> bytes:
    return orjson.dumps({"route": route.name, "version": route.version, "upstream": upstream})[1:-1]


class AccessLog:
    """Written to standard output, a batch at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, form: Format = "json") -> None:
        self._loop = loop
        self._form = form
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._second = 0
        self._stamp = b""

    def exchange(self, exchange: Exchange, now_ns: int, seconds: float) -> None:
        """A request of the data plane ended at ``now_ns`` (nanoseconds since the epoch) after ``seconds``."""
        if self._form != "json":
            if self._form == "combined":
                self._combined(exchange, now_ns)
            return
        found, verdict = exchange.match, exchange.verdict
        # A path that was matched is canonical: it has nothing that JSON would have to escape.
        path = b'"%b"' % exchange.path if found is not None else orjson.dumps(exchange.path.decode("latin-1"))
        self._add(
            _EXCHANGE
            % (
                self._time(now_ns, _JSON_TIME),
                now_ns // 1_000_000 % 1000,
                exchange.method,
                path,
                orjson.dumps(redacted(exchange.query).decode("latin-1")) if exchange.query else b'""',
                exchange.status,
                exchange.code.encode(),
                seconds * 1000,
                _routed(found.route, found.upstream) if found is not None else _UNROUTED,
                _who(exchange),
                verdict.outcome.encode() if verdict is not None else b"",
                b"true" if exchange.retried else b"false",
                exchange.bytes_in,
                exchange.bytes_out,
                exchange.request_id,
                exchange.trace.trace_id,
            )
        )

    def _combined(self, exchange: Exchange, now_ns: int) -> None:
        fields, principal = exchange.head.fields, exchange.principal
        target = exchange.path + b"?" + redacted(exchange.query) if exchange.query else exchange.path
        referer = fields.get(b"referer", b"-").partition(b"?")[0]
        self._add(
            _COMBINED
            % (
                _escaped(exchange.address.encode()),
                _escaped(principal.subject.encode()) if principal is not None else b"-",
                self._time(now_ns, _COMBINED_TIME),
                exchange.method,
                _escaped(target),
                exchange.status,
                exchange.bytes_out,
                _escaped(referer),
                _escaped(fields.get(b"user-agent", b"-")[:_MAX_TEXT]),
            )
        )

    def line(self, **fields: Any) -> None:
        """Add a request of the control plane."""
        now = time.time_ns()
        if self._form == "combined":
            method, path = str(fields["method"]).encode(), _escaped(str(fields["path"]).encode())
            client, stamp = _escaped(str(fields["client"]).encode()), self._time(now, _COMBINED_TIME)
            self._add(_COMBINED % (client, b"-", stamp, method, path, fields["status"], 0, b"-", b"-"))
        elif self._form == "json":
            head = _HEAD % (self._time(now, _JSON_TIME), now // 1_000_000 % 1000)
            self._add(head + orjson.dumps(fields)[1:])

    def _time(self, now_ns: int, form: str) -> bytes:
        second = now_ns // 1_000_000_000
        if second != self._second:
            self._second, self._stamp = second, time.strftime(form, time.gmtime(second)).encode()
        return self._stamp

    def _add(self, line: bytes) -> None:
        self._lines.append(line)
        if self._timer is None:
            self._timer = self._loop.call_later(_EVERY, self.flush)

    def flush(self) -> None:
        """Write what has gathered."""
        self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            sys.stdout.buffer.write(b"\n".join(lines) + b"\n")
            sys.stdout.buffer.flush()


def _escaped(text: bytes) -> bytes:
    """Printable, without quotes and backslashes, so that no client can write a line of its own (CWE-117)."""
    return _UNPRINTABLE.sub(lambda found: b"\\x%02x" % found[0][0], text)
