"""What a change makes of kept answers: the paths that a successful unsafe request puts out of date.

RFC 9111 section 4.4 asks for the request's own URI and for Location and Content-Location on the same host. A service
has one thing under several versions, so each path counts in all its versions, whatever the host and the query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.problem import Refusal
from gateway.routes.match import match

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.data.answer_head import AnswerHead
    from gateway.data.exchange import Exchange
    from gateway.routes.changes import Changed

SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})
_ERRORS = 400


def invalidate(exchange: Exchange, head: AnswerHead) -> None:
    """Called with each answer of a route that changes something."""
    found = exchange.match
    if exchange.method in SAFE or head.status >= _ERRORS or found is None or found.route.changes is None:
        return
    paths = set(_paths(found.route.changes, found.parameters))
    for name in (b"location", b"content-location"):
        value = head.fields.get(name)
        if value is not None:
            paths.update(_named(exchange, value))
    if paths:
        exchange.gateway.cache.invalidate(paths)
        exchange.event("cache.invalidate", paths=len(paths))


def _paths(changes: tuple[Changed, ...], parameters: list[bytes]) -> Iterator[bytes]:
    for changed in changes:
        yield b"".join([parameters[piece] if isinstance(piece, int) else piece for piece in changed])


def _named(exchange: Exchange, value: bytes) -> Iterator[bytes]:
    """The paths of a URI on the same host, where a route keeps answers."""
    try:
        parts = urlsplit(value.decode("ascii"))
        if parts.netloc and parts.netloc.lower() != exchange.head.host.decode("ascii").lower():
            return
        found = match(exchange.gateway.table, b"GET", parts.path.encode("ascii"), b"", None, exchange.head.host)
    except (ValueError, Refusal):
        return
    if found.route.cache is not None and found.route.changes is not None:
        yield from _paths(found.route.changes, found.parameters)
