"""Where the second tier keeps answers in a Redis Cluster: an answer and its path's generation in one slot.

The generation of all lies in a slot of its own. It is read beside the answer, and an answer says itself under which
it was put, so that one from before a purge does not count wherever it lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import hiredis

from gateway.cache.stores import ALL, NEWS, PREFIX, hashed_key, hashed_path, ignored, news, renewal
from gateway.redis_cluster.address import ClusterAddress
from gateway.redis_cluster.cluster_link import ClusterLink
from gateway.redis_cluster.slots import slot_of

if TYPE_CHECKING:
    from gateway.cache.entry import Key
    from gateway.cache.stores import Generation
    from gateway.limits.redis_link import OnReply
    from gateway.redis_cluster.cluster_link import Call

PUT = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
_SHA = hashlib.sha1(PUT.encode(), usedforsecurity=False).hexdigest()
_ALL_SLOT, _NEWS_SLOT = slot_of(ALL), slot_of(NEWS)


class ClusterStore:
    """See Store."""

    def __init__(self, url: str, on_up: Callable[[], None]) -> None:
        self.link = ClusterLink(ClusterAddress.parse(url), PUT, name="cache", on_up=on_up)

    def read(self, key: Key, path: bytes, on_reply: OnReply) -> Callable[[], None]:
        """See Store."""
        generation = _generation(path)
        joined = _Joined(on_reply)
        kept = self.link.call(slot_of(generation), b"MGET", _entry(key, path), generation, on_reply=joined.on_kept)
        everything = self.link.call(_ALL_SLOT, b"GET", ALL, on_reply=joined.on_all)
        return lambda: joined.give_up(kept, everything)

    def write(self, key: Key, path: bytes, generation: Generation, value: bytes, ttl: int) -> None:
        """See Store."""
        name = _generation(path)
        rest = (2, _entry(key, path), name, generation[0], value, ttl)

        def on_reply(reply: Any) -> None:
            if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
                self.link.call(slot_of(name), "EVAL", PUT, *rest, on_reply=ignored)

        self.link.call(slot_of(name), "EVALSHA", _SHA, *rest, on_reply=on_reply)

    def renew(self, path: bytes | None, token: str, on_reply: OnReply) -> None:
        """See Store."""
        key = ALL if path is None else _generation(path)
        self.link.call(slot_of(key), *renewal(key, token), on_reply=on_reply)

    def tell(self, sender: bytes, what: bytes, value: bytes, on_reply: OnReply) -> None:
        """See Store."""
        for command, then in news(sender, what, value, on_reply):
            self.link.call(_NEWS_SLOT, *command, on_reply=then)


class _Joined:
    """Two replies as the one that a single server gives."""

    def __init__(self, on_reply: OnReply) -> None:
        self._on_reply = on_reply
        self._kept: Any = None
        self._all: Any = None
        self._waits_for = {"kept", "all"}

    def on_kept(self, reply: Any) -> None:
        self._kept = reply
        self._came("kept")

    def on_all(self, reply: Any) -> None:
        self._all = reply
        self._came("all")

    def give_up(self, kept: Call, everything: Call) -> None:
        """The connections that have not replied; others may be well."""
        for name, call in (("kept", kept), ("all", everything)):
            if name in self._waits_for and call.node is not None:
                call.node.drop()

    def _came(self, name: str) -> None:
        self._waits_for.discard(name)
        if self._waits_for:
            return
        for reply in (self._kept, self._all):
            if isinstance(reply, Exception):
                self._on_reply(reply)
                return
        self._on_reply([*self._kept, self._all])


def _entry(key: Key, path: bytes) -> bytes:
    return PREFIX + b"answer:{" + hashed_path(path) + b"}:" + hashed_key(key)


def _generation(path: bytes) -> bytes:
    return PREFIX + b"path:{" + hashed_path(path) + b"}"
