"""Which slot a key lies in, and what ``CLUSTER SLOTS`` says of who has them (Redis Cluster specification)."""

from __future__ import annotations

from binascii import crc_hqx
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from gateway.redis_cluster.address import Place

SLOTS = 16384


def slot_of(key: str | bytes) -> int:
    """CRC16 (XMODEM) of the hash tag, which is what the first ``{}`` holds, else of the whole key."""
    text = key.encode() if isinstance(key, str) else key
    start = text.find(b"{")
    if start >= 0:
        end = text.find(b"}", start + 1)
        if end > start + 1:
            text = text[start + 1 : end]
    return crc_hqx(text, 0) & (SLOTS - 1)


class Range(NamedTuple):
    """Slots ``first`` to ``last`` of one primary, and its replicas."""

    first: int
    last: int
    primary: Place
    replicas: tuple[Place, ...]


def ranges(reply: Any, asked: Place) -> list[Range]:
    """From the reply of a node at ``asked``; a node that does not know its own address is where it was asked."""
    return [
        Range(int(first), int(last), _place(nodes[0], asked), tuple(_place(node, asked) for node in nodes[1:]))
        for first, last, *nodes in reply
    ]


def _place(node: Any, asked: Place) -> Place:
    host = (node[0] or b"").decode()
    return (asked[0] if host in ("", "?") else host), int(node[1])
