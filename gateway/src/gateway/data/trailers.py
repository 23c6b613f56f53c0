"""Trailers of an answer, passed to who asked for them with ``TE: trailers`` (RFC 9110 section 6.5).

Those of a request are dropped, as RFC 9110 section 6.5.1 lets a recipient do: a service that merges them into its
headers would take from them what the gateway takes out of the head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.data.forwarded_head import HOP_BY_HOP
from gateway.data.standing_headers import OURS

if TYPE_CHECKING:
    from gateway.data.request_head import RequestHead

ASKED = b"te: trailers\r\nconnection: te\r\n"

# Framing, routing, modifiers, authentication, control data and what says how to read the content: RFC 9110 section
# 6.5.1 has no sender put them there, and a client that merges trailers would be steered by them.
_FORBIDDEN = (
    HOP_BY_HOP
    | OURS
    | {
        b"accept-ranges",
        b"age",
        b"allow",
        b"alt-svc",
        b"authorization",
        b"cache-control",
        b"clear-site-data",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-location",
        b"content-range",
        b"content-security-policy",
        b"content-type",
        b"cookie",
        b"date",
        b"etag",
        b"expect",
        b"expires",
        b"host",
        b"last-modified",
        b"link",
        b"location",
        b"max-forwards",
        b"pragma",
        b"range",
        b"refresh",
        b"retry-after",
        b"set-cookie",
        b"vary",
        b"via",
        b"warning",
        b"www-authenticate",
    }
)
_FORBIDDEN_STARTS = (b"access-control-", b"if-", b"ratelimit", b"x-ratelimit-", b"x-forwarded-")
# Of the bytes as the service sent them; wrong once the gateway has compressed them.
_OF_THE_BYTES = frozenset({b"content-digest", b"content-md5", b"digest"})


def takes_trailers(head: RequestHead) -> bool:
    """Whether the client said so; to one of HTTP/1.0 nothing is sent in chunks."""
    value = head.fields.get(b"te")
    return value is not None and head.http11 and b"trailers" in (part.strip() for part in value.lower().split(b","))


def trailer_lines(trailers: list[tuple[bytes, bytes]], *, coded: bool) -> bytes:
    """The lines that pass, without the empty one that ends them; ``coded`` when the body was compressed here."""
    return b"".join(
        [
            name + b": " + value + b"\r\n"
            for name, value in trailers
            if name not in _FORBIDDEN
            and not name.startswith(_FORBIDDEN_STARTS)
            and not (coded and name in _OF_THE_BYTES)
        ]
    )
