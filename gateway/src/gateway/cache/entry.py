"""One kept answer: what the service sent, for which request headers it holds, and its times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cache.directives import directives, first, joined
from gateway.cache.freshness import may_be_stale
from gateway.data.compression import compressible

if TYPE_CHECKING:
    from gateway.cache.freshness import Freshness, Headers
    from gateway.cache.rendition import Rendition

# Not the stored answer's to say when a 304 freshens it (RFC 9111 section 3.2), nor kept with it.
# The tag least of all: a server that compresses tells a 304 by another than its 200 (Apache's "-gzip"), and it was ours
# that was asked about.
_FRAMED = frozenset({b"etag", b"content-length", b"content-encoding", b"content-type", b"content-range"})
_OVERHEAD = 1200

# Upstream, scheme, host, forwarded host, path and query as forwarded. A tuple, for making one string of it for each
# request would cost more than the look-up.
Key = tuple[str, bytes, bytes, bytes, bytes, bytes]


class Entry:
    """Headers are end-to-end ones in lower case without Age and Content-Length; Date is always there."""

    __slots__ = (
        "asked",
        "body",
        "born",
        "coded",
        "compresses",
        "error_until",
        "etag",
        "fresh_until",
        "headers",
        "hit",
        "key",
        "lenient",
        "modified",
        "newer",
        "no_cache",
        "older",
        "path",
        "renditions",
        "shared",
        "size",
        "stale_until",
        "status",
        "vary",
    )

    def __init__(  # noqa: PLR0917 - a record
        self,
        key: Key,
        path: bytes,
        status: int,
        headers: Headers,
        body: bytes,
        vary: tuple[tuple[bytes, bytes], ...],
        freshness: Freshness,
        asked: float,
    ) -> None:
        self.key = key
        self.path = path
        self.status = status
        self.headers = headers
        self.body = body
        # Names and normalized values of the request headers that chose this answer.
        self.vary = vary
        self.etag = first(headers, b"etag")
        self.modified = first(headers, b"last-modified")
        self.lenient = may_be_stale(directives(joined(headers, b"cache-control")))
        self.asked = asked
        self.born = freshness.born
        self.fresh_until = 0.0 if freshness.no_cache else freshness.fresh_until
        self.stale_until = freshness.stale_until
        self.error_until = freshness.error_until
        self.no_cache = freshness.no_cache
        self.shared = freshness.shared
        # Whether the gateway compresses it for who takes it.
        self.compresses = compressible(status, dict(headers), len(body))
        # Bodies by coding, made when first asked for, and the heads that go with them.
        self.coded: dict[bytes, bytes] = {}
        self.renditions: dict[tuple[bytes | None, bool, frozenset[bytes], bytes], Rendition] = {}
        # What it varies by counts too: those are the client's headers, of any length.
        lines = sum(len(n) + len(v) + 100 for n, v in (*headers, *vary))
        self.size = _OVERHEAD + len(body) + sum(map(len, key)) + lines
        # The memory's: asked for since the hand last came by, and the neighbours in the line.
        self.hit = False
        self.newer: Entry | None = None
        self.older: Entry | None = None

    @property
    def validators(self) -> Headers:
        """The conditional headers that ask whether this answer still holds."""
        lines: Headers = []
        if self.etag is not None:
            lines.append((b"if-none-match", self.etag))
        if self.modified is not None:
            lines.append((b"if-modified-since", self.modified))
        return lines

    def freshened(self, fresh: Headers) -> Headers:
        """The headers after a 304 that brought ``fresh`` (RFC 9111 section 3.2)."""
        replaced = {name for name, _ in fresh} - _FRAMED
        return [line for line in self.headers if line[0] not in replaced] + [
            line for line in fresh if line[0] in replaced
        ]
