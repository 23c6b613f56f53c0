"""A publication as bytes: method, header and body frames (AMQP 0-9-1, sections 2.3 and 4.2).

Written by hand because the relay's speed is decided here: objects for each frame, a task and a future for
each message cost twenty times as much as the bytes themselves.
"""

from functools import lru_cache
from struct import Struct

from shared.messaging.outbox import OutboxMessage

_FRAME_OVERHEAD = 8
_frame = Struct(">BHI")
_publish = Struct(">HHH")
_header = Struct(">HHQH")
_length = Struct(">I")
_METHOD, _HEADER, _BODY = 1, 2, 3
_END = b"\xce"
_BASIC, _BASIC_PUBLISH = 60, 40
_MANDATORY = b"\x01"
_PERSISTENT = b"\x02"
# Bits of the properties that are there: content-type, headers, delivery-mode, message-id.
_CONTENT_TYPE, _HEADERS, _DELIVERY_MODE, _MESSAGE_ID = 1 << 15, 1 << 13, 1 << 12, 1 << 7


class UnencodableMessage(ValueError):  # noqa: N818 - the name says what it is
    """AMQP has no place for it: a name above 255 bytes."""


def encode_publish(
    message: OutboxMessage, traceparent: str | None, *, exchange: str, channel: int, frame_max: int
) -> bytes:
    """The frames of one mandatory, persistent ``basic.publish``. Raises UnencodableMessage."""
    properties = _CONTENT_TYPE | _DELIVERY_MODE | _MESSAGE_ID
    headers = b""
    if traceparent is not None:
        properties |= _HEADERS
        value = traceparent.encode()
        table = b"\x0btraceparentS" + _length.pack(len(value)) + value
        headers = _length.pack(len(table)) + table
    body = message.body
    header = b"".join(
        (
            _header.pack(_BASIC, 0, len(body), properties),
            _short(message.content_type),
            headers,
            _PERSISTENT,
            _short(str(message.message_id)),
        )
    )
    frames = [
        _method(exchange, message.routing_key, channel),
        _frame.pack(_HEADER, channel, len(header)),
        header,
        _END,
    ]
    most = frame_max - _FRAME_OVERHEAD if frame_max else max(1, len(body))
    for start in range(0, len(body), most):
        part = body[start : start + most]
        frames += [_frame.pack(_BODY, channel, len(part)), part, _END]
    return b"".join(frames)


@lru_cache(maxsize=1024)
def _method(exchange: str, routing_key: str, channel: int) -> bytes:
    arguments = b"".join((_publish.pack(_BASIC, _BASIC_PUBLISH, 0), _short(exchange), _short(routing_key), _MANDATORY))
    return _frame.pack(_METHOD, channel, len(arguments)) + arguments + _END


def _short(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > 255:  # noqa: PLR2004 - one byte tells the length
        raise UnencodableMessage(f"{text[:40]!r}... is {len(encoded)} bytes, AMQP has names up to 255")
    return bytes((len(encoded),)) + encoded
