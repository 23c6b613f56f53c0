"""The headers of a request: what the gateway looks at, picked out in one pass over them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.problem import Refusal

if TYPE_CHECKING:
    from gateway.data.forwarded_head import Hop
    from gateway.routes.rewriting import HeaderRules
    from gateway.telemetry.access_log import Told

_SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")
# No longer than a name can be: each of its dots is a pattern to look up.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]{1,64}\]|[A-Za-z0-9._-]{0,254})(?::[0-9]{1,5})?\Z")

# Two of these and nobody knows which one counts (TRAPS, forwarding 10).
_ONCE = frozenset(
    {
        b"host",
        b"authorization",
        b"x-api-key",
        b"idempotency-key",
        b"content-type",
        b"content-length",
        b"origin",
        b"sec-websocket-key",
        b"sec-websocket-version",
    }
)
_LISTS = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"cache-control",
        b"connection",
        b"cookie",
        b"expect",
        b"forwarded",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-unmodified-since",
        b"pragma",
        b"range",
        b"referer",
        b"te",
        b"traceparent",
        b"transfer-encoding",
        b"upgrade",
        b"user-agent",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-request-id",
    }
)


class Derived:
    """What the steps made of a head, for the next request with the same: see KnownHeads."""

    __slots__ = ("bearer", "forwarded", "told")

    def __init__(self) -> None:
        # Header lines by what else they depend on.
        self.forwarded: dict[tuple[Hop, bytes, bytes | None, HeaderRules | None], bytes] = {}
        # The one credential where it is a token, once identity has looked for it.
        self.bearer: bytes | None = None
        # What the access log says of who sends it.
        self.told: Told | None = None


class RequestHead:
    """The headers as received (names in lower case), and the few fields the steps read."""

    __slots__ = (
        "body_expected",
        "chunked",
        "content_length",
        "derived",
        "expects_continue",
        "fields",
        "headers",
        "host",
        "http11",
        "keep_alive",
        "request_id",
        "websocket",
    )

    def __init__(self, headers: list[tuple[bytes, bytes]], *, http11: bool, keep_alive: bool) -> None:
        self.headers = headers
        self.http11 = http11
        self.keep_alive = keep_alive and http11
        self.fields: dict[bytes, bytes] = {}
        self.host = b""
        self.content_length: int | None = None
        self.chunked = False
        self.expects_continue = False
        self.body_expected = False
        # A handshake that a route may take: set by the client's connection, which knows whether an Upgrade is there.
        self.websocket = False
        self.derived = Derived()
        # The client's own where it is a sane one.
        self.request_id: bytes | None = None

    def check(self) -> None:
        """Read the headers. Raises Refusal 400 and asks to close where the framing cannot be trusted."""
        fields = self.fields
        for name, value in self.headers:
            if name in _ONCE:
                if name in fields:
                    raise _bad(f"The header {name.decode()} is there twice.")
                fields[name] = value
            elif name in _LISTS:
                fields[name] = fields[name] + b", " + value if name in fields else value
        self._framing()
        self.request_id = _sane(fields.get(b"x-request-id"))
        host = fields.get(b"host")
        if host is None:
            if self.http11:
                raise _bad("The header host is missing.")
        elif _HOST.match(host) is None:
            raise _bad("The header host is not a host.")
        else:
            self.host = host

    def with_ids(self, ids: dict[bytes, bytes]) -> RequestHead | None:
        """This head and the headers ``ids``; None where it has one of them already."""
        if not ids.keys().isdisjoint(self.fields):
            return None
        head = self._like([*self.headers, *ids.items()], self.fields | ids)
        head.request_id = _sane(head.fields.get(b"x-request-id"))
        return head

    def without(self, ids: dict[bytes, bytes]) -> RequestHead | None:
        """This head less the headers ``ids``; None where one of them is there more than once."""
        headers = [line for line in self.headers if line[0] not in ids]
        if len(headers) + len(ids) != len(self.headers):
            return None
        head = self._like(headers, {name: value for name, value in self.fields.items() if name not in ids})
        head.request_id = _sane(head.fields.get(b"x-request-id"))
        return head

    def _like(self, headers: list[tuple[bytes, bytes]], fields: dict[bytes, bytes]) -> RequestHead:
        head = RequestHead(headers, http11=self.http11, keep_alive=self.keep_alive)
        head.fields, head.host, head.derived = fields, self.host, self.derived
        head.content_length, head.chunked = self.content_length, self.chunked
        head.expects_continue, head.body_expected = self.expects_continue, self.body_expected
        return head

    def _framing(self) -> None:
        fields = self.fields
        length = fields.get(b"content-length")
        coding = fields.get(b"transfer-encoding")
        if coding is not None:
            # The parser refuses Content-Length beside it; any other coding would be framing we do not undo.
            if coding.lower() != b"chunked" or not self.http11:
                raise _bad("The transfer encoding is not taken.")
            self.chunked = True
        elif length is not None:
            if not length.isdigit() or len(length) > 18:  # noqa: PLR2004 - fits 64 bits
                raise _bad("The content length is not a number.")
            self.content_length = int(length)
        self.body_expected = self.chunked or bool(self.content_length)
        expect = fields.get(b"expect")
        if expect is not None and self.http11:
            if expect.lower() != b"100-continue":
                raise Refusal(417, "expectation_failed", "The expectation is not known.", close=True)
            self.expects_continue = self.body_expected


def _sane(request_id: bytes | None) -> bytes | None:
    return request_id if request_id is not None and _SANE_REQUEST_ID.match(request_id) else None


def check_authority(value: bytes) -> bytes:
    """The authority of an absolute target, by the rule for Host; it may not be empty (RFC 9110 section 4.2.1)."""
    if not value or value.startswith(b":") or _HOST.match(value) is None:
        raise _bad("The authority of the target is not a host.")
    return value


def check_version(version: str) -> None:
    """HTTP/1.1 and 1.0; a line without a version, which the parser takes for 0.9, is no request."""
    if version in ("1.1", "1.0"):
        return
    if version == "0.9":
        raise _bad("The request line has no version that is taken.")
    raise Refusal(505, "http_version_not_supported", "The HTTP version is not taken.", close=True)


def _bad(detail: str) -> Refusal:
    return Refusal(400, "bad_request", detail, close=True)
