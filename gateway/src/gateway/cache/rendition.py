"""How a kept answer goes on the wire: its lines and its body in one coding, joined once and not again each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cache.directives import joined
from gateway.data.answer_head import status_line
from gateway.data.compression import coded_etag, encoder

if TYPE_CHECKING:
    from gateway.cache.entry import Entry
    from gateway.routes.table import Route

_CODED = frozenset({b"etag", b"accept-ranges", b"content-md5"})
# What a 304 repeats of its 200 (RFC 9110 section 15.4.5).
_REPEATED = frozenset({b"cache-control", b"content-location", b"date", b"expires", b"vary"})
# A larger body is compressed in a thread, and meanwhile given as it is.
AT_ONCE = 65536


class Rendition:
    """Lines of one entry in one coding; Age and Cache-Status change with the second and are joined once in it."""

    __slots__ = ("_entry", "_head", "_head_304", "_second", "body", "etag", "plain_policy", "unchanged", "whole")

    def __init__(self, entry: Entry, body: bytes, coding: bytes | None, *, by_accept: bool, route: Route) -> None:
        self._entry = entry
        self.body = body
        self.etag = entry.etag
        vary = {name.strip().lower() for name in joined(entry.headers, b"vary").split(b",")}
        added: list[bytes] = []
        replaced = route.replaced
        if entry.compresses:
            added += () if b"accept-encoding" in vary else (b"vary: Accept-Encoding\r\n",)
        if by_accept and b"accept" not in vary:
            added.append(b"vary: Accept\r\n")
        lines = [status_line(entry.status)]
        if coding is not None:
            replaced |= _CODED
            lines += (b"content-encoding: ", coding, b"\r\n")
            if entry.etag is not None:
                self.etag = coded_etag(entry.etag, coding)
                lines += (b"etag: ", self.etag, b"\r\n")
        lines += [n + b": " + v + b"\r\n" for n, v in entry.headers if n not in replaced]
        added.append(route.answer_lines)
        lines += added
        repeated = [(n, v) for n, v in entry.headers if (n in _REPEATED or n == b"vary") and n not in route.replaced]
        self.unchanged = status_line(304) + b"".join([n + b": " + v + b"\r\n" for n, v in repeated] + added)
        if entry.status != 204:  # noqa: PLR2004 - RFC 9110 section 8.6
            lines.append(b"content-length: %d\r\n" % len(body))
        self.whole = b"".join(lines)
        self.plain_policy = not any(name == b"content-security-policy" for name, _ in entry.headers)
        self._second = -1
        self._head = self._head_304 = b""

    def head(self, now: float) -> bytes:
        """All lines of a hit but those that are the request's own."""
        if self._second != int(now):
            self._join(now)
        return self._head

    def head_304(self, now: float) -> bytes:
        """The same for a client that has the body, less the etag it knows it by."""
        if self._second != int(now):
            self._join(now)
        return self._head_304

    def _join(self, now: float) -> None:
        self._second = int(now)
        said = age_line(self._entry, now) + b"cache-status: gatehouse; hit; ttl=%d\r\n" % ttl(self._entry, now)
        self._head = self.whole + said
        self._head_304 = self.unchanged + said


def age_line(entry: Entry, now: float) -> bytes:
    """``Age`` (RFC 9111 section 5.1)."""
    return b"age: %d\r\n" % max(0, int(now - entry.born))


def ttl(entry: Entry, now: float) -> int:
    """Whole seconds of freshness that remain; below zero for one that is stale."""
    return int(entry.fresh_until - now) if entry.fresh_until else -max(0, int(now - entry.born))


def coded(entry: Entry, coding: bytes) -> bytes:
    """The body compressed."""
    stream = encoder(coding)
    return stream.write(entry.body) + stream.finish()
