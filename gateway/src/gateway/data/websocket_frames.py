"""Where the frames of a WebSocket begin and end (RFC 6455 section 5.2), so that a frame of ours can stand between two.

Nothing is unmasked, checked or kept: the services speak WebSocket, the gateway only counts.
"""

_LENGTH = 0x7F
_TWO_BYTES, _EIGHT_BYTES = 126, 127
_MASKED = 0x80
# Code 1001, "going away", to each side; the mask of the one for a service is four zeros.
GOING_AWAY = {"client": b"\x88\x02\x03\xe9", "upstream": b"\x88\x82\x00\x00\x00\x00\x03\xe9"}


class Frames:
    """Follows one direction; costs the frames' heads, not their bytes."""

    __slots__ = ("_head", "_left")

    def __init__(self) -> None:
        self._head = b""
        self._left = 0

    @property
    def between(self) -> bool:
        """Whether all that came so far is whole frames."""
        return not self._left and not self._head

    def feed(self, data: bytes) -> None:
        """Bytes as they go by."""
        size = len(data)
        if size <= self._left:
            self._left -= size
            return
        at, self._left = self._left, 0
        head = self._head
        while at < size:
            # 14 bytes are the longest head there is.
            piece = head + data[at : at + 14 - len(head)]
            length = _head_size(piece)
            if len(piece) < length:
                self._head = piece
                return
            at += length - len(head) + _payload(piece)
            head = b""
        self._head = b""
        self._left = at - size


def _head_size(head: bytes) -> int:
    if len(head) < 2:  # noqa: PLR2004 - the second byte says how long the head is
        return 2
    length = head[1] & _LENGTH
    return 2 + (2 if length == _TWO_BYTES else 8 if length == _EIGHT_BYTES else 0) + (4 if head[1] & _MASKED else 0)


def _payload(head: bytes) -> int:
    length = head[1] & _LENGTH
    if length == _TWO_BYTES:
        return int.from_bytes(head[2:4])
    return int.from_bytes(head[2:10]) if length == _EIGHT_BYTES else length
