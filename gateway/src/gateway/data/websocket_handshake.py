"""The opening handshake of RFC 6455 as the gateway sees it go by: who may ask, and whether the service agreed."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from gateway.data.forwarded_head import connection_names
from gateway.problem import Refusal

if TYPE_CHECKING:
    from gateway.data.request_head import RequestHead

SWITCH = b"connection: Upgrade\r\nupgrade: websocket\r\n"

# RFC 6455 section 1.3.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES = 16
_VERSION = ((b"upgrade", b"websocket"), (b"sec-websocket-version", b"13"))
_DEFAULT_PORTS = (b":80", b":443")


def asks_for_websocket(method: bytes, head: RequestHead) -> bool:
    """Whether a head is a handshake (section 4.1); any other Upgrade is ignored (RFC 9110 section 7.8)."""
    fields = head.fields
    return (
        method == b"GET"
        and head.http11
        and not head.body_expected
        and fields.get(b"upgrade", b"").lower() == b"websocket"
        and b"upgrade" in connection_names(fields.get(b"connection"))
    )


def check_handshake(head: RequestHead, origins: frozenset[bytes]) -> None:
    """Raise Refusal: 426 for a version that is not 13, 400 for no key, 403 for a page of another origin.

    A browser sends cookies along with a handshake from any page, and no CORS rule stops it: only Origin tells. A
    client that sends none is no browser. ``origins`` may hold ``*``; the host that was asked is always taken.
    """
    fields = head.fields
    if fields.get(b"sec-websocket-version") != b"13":
        raise Refusal(426, "websocket_version", "The WebSocket version is not taken.", headers=_VERSION)
    if not _is_key(fields.get(b"sec-websocket-key", b"")):
        raise Refusal(400, "bad_request", "The WebSocket key is not one.", close=True)
    origin = fields.get(b"origin")
    if origin is None or b"*" in origins:
        return
    origin = origin.lower()
    if origin not in origins and _authority(origin) != _without_default_port(head.host.lower()):
        raise Refusal(403, "origin_not_allowed", "Pages of this origin may not open a WebSocket here.")


def agreed(key: bytes, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a 101 is the answer to the handshake with this key.

    A service that says 101 to anything would make the gateway pass on requests of which it knows nothing.
    """
    fields = dict(headers)
    # The hash is the handshake's; it guards nothing.
    wanted = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return fields.get(b"sec-websocket-accept") == wanted and fields.get(b"upgrade", b"").lower() == b"websocket"


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False


def _authority(origin: bytes) -> bytes | None:
    scheme, mark, authority = origin.partition(b"://")
    return _without_default_port(authority) if mark and scheme in (b"http", b"https") else None


def _without_default_port(host: bytes) -> bytes:
    for port in _DEFAULT_PORTS:
        host = host.removesuffix(port)
    return host
