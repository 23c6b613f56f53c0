"""What other processes changed, read from a stream in Redis as it is written.

A stream and not pub/sub: a message sent while this process looked away would be lost there. When the connection was
lost all that is in memory is forgotten, for nobody knows what was missed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from gateway.cache.stores import NEWS
from gateway.redis_cluster.key_link import link_to_key

if TYPE_CHECKING:
    from gateway.cache.second_tier import SecondTier

_BLOCK_MS = 2000
# A reply is due at the end of the block; one that is this late will not come.
_LOST_AFTER = 10.0


class Reader(Protocol):
    """Who acts on the news."""

    def on_changed(self, path: bytes) -> None:
        """Another process changed a path."""
        ...

    def on_purged(self, prefix: bytes) -> None:
        """Another process purged."""
        ...

    def on_gap(self) -> None:
        """Something may have been missed."""
        ...


class News:
    """Asks for what comes next, over and over, on a connection of its own."""

    def __init__(self, url: str, tier: SecondTier, reader: Reader) -> None:
        self._tier, self._reader = tier, reader
        self._loop = asyncio.get_running_loop()
        self.link = link_to_key(url, NEWS, name="cache_news", on_up=self._begin)
        self._last = b"0-0"
        self._timer: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """Read no further."""
        if self._timer is not None:
            self._timer.cancel()
        self.link.stop()

    def _begin(self) -> None:
        self._call(b"XREVRANGE", NEWS, b"+", b"-", b"COUNT", 1, on_reply=self._on_newest)

    def _on_newest(self, reply: Any) -> None:
        if isinstance(reply, Exception):
            return
        self._last = reply[0][0] if reply else b"0-0"
        # Only now: what is written from here on is read.
        self._reader.on_gap()
        self._ask()

    def _ask(self) -> None:
        self._call(b"XREAD", b"COUNT", 1000, b"BLOCK", _BLOCK_MS, b"STREAMS", NEWS, self._last, on_reply=self._on_news)

    def _on_news(self, reply: Any) -> None:
        if isinstance(reply, Exception):
            # The link tells when it is up again; a refused command would be refused again at once.
            self._later()
            return
        for _, messages in reply or ():
            for number, fields in messages:
                self._last = number
                self._read(dict(zip(fields[::2], fields[1::2], strict=True)))
        self._ask()

    def _read(self, message: dict[bytes, bytes]) -> None:
        if message.get(b"by") == self._tier.sender:
            return
        if b"path" in message:
            self._reader.on_changed(message[b"path"])
        elif b"prefix" in message:
            self._reader.on_purged(message[b"prefix"])

    def _call(self, *command: bytes | int, on_reply: Any) -> None:
        self._later()
        self.link.call(*command, on_reply=on_reply)

    def _later(self) -> None:
        """Give the connection up when nothing comes: a peer that vanished says no goodbye."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(_LOST_AFTER, self.link.drop)
