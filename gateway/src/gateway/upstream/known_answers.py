"""Heads of answers an upstream has sent before, to the byte: what the parser made of them then holds again.

A service says the same of most of its answers, within one second even the same Date. Only a whole answer is known by
its head: one that came in one read, is as long as it says, and left its connection open and clean.
"""

from __future__ import annotations

_MAX_HEAD = 2048
_MAX_HEADS = 256


class KnownHead:
    """A head as it was parsed, and the bytes of body behind it; ``made`` is what its listener has made of it."""

    __slots__ = ("headers", "made", "size", "status")

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], size: int) -> None:
        self.status = status
        self.headers = headers
        self.size = size
        self.made: dict[object, tuple[bytes, bool]] = {}


class KnownAnswers:
    """Those of one target, at most half a megabyte of them."""

    __slots__ = ("_heads",)

    def __init__(self) -> None:
        self._heads: dict[bytes, KnownHead] = {}

    def find(self, data: bytes) -> KnownHead | None:
        """The head of ``data``, where that is one whole answer of it."""
        end = data.find(b"\r\n\r\n") + 4
        known = self._heads.get(data[:end])
        return known if known is not None and len(data) - end == known.size else None

    def learn(self, data: bytes, status: int, headers: list[tuple[bytes, bytes]], length: int) -> None:
        """``data`` was parsed as one whole answer to anything but HEAD, with ``length`` bytes of body."""
        end = data.find(b"\r\n\r\n") + 4
        # Of a head that ends otherwise this is not the end.
        if end > _MAX_HEAD or len(data) - end != length:
            return
        if len(self._heads) >= _MAX_HEADS:
            self._heads.clear()
        self._heads[data[:end]] = KnownHead(status, headers, length)
