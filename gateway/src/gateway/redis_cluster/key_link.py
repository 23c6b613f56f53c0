"""A connection of its own to whichever node of a cluster has one key, for who waits there for news of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.limits.redis_link import LinkDownError, RedisLink
from gateway.redis_cluster.address import ClusterAddress, is_cluster
from gateway.redis_cluster.redirection import Redirection, redirection
from gateway.redis_cluster.slots import ranges, slot_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.limits.redis_link import OnReply
    from gateway.redis_cluster.address import Place

_SCRIPT = "return 1"
# Long enough for the old connection to be closed, and one after another for so many times.
_REDIRECTED_SECONDS = 0.02
_MOST_HOPS = 5


def link_to_key(url: str | None, key: str | bytes, *, name: str, on_up: Callable[[], None]) -> RedisLink:
    """To the one server, or to the node that has the key."""
    if url is not None and is_cluster(url):
        return KeyLink(ClusterAddress.parse(url), key, name=name, on_up=on_up)
    return RedisLink(url or "", _SCRIPT, name=name, on_up=on_up)


class KeyLink(RedisLink):
    """``up`` on the key's node only; when the key moves the connection is lost and made anew there."""

    def __init__(self, address: ClusterAddress, key: str | bytes, *, name: str, on_up: Callable[[], None]) -> None:
        super().__init__(address.url_of(address.seeds[0]), _SCRIPT, name=name, on_up=on_up)
        self._slot = slot_of(key)
        # Whom to try: all that were heard of, and those that the setting names.
        self._seeds = address.seeds
        self._candidates = list(address.seeds)
        self._turn = 0
        self._hops = 0
        self._at: Place = address.seeds[0]
        self._to: Redirection | None = None
        self._by_asking = False

    def call(self, *command: bytes | str | int, on_reply: OnReply) -> None:
        """As of RedisLink; a redirection is followed by a new connection, and told as a loss of this one."""
        if self._by_asking:
            super().call("ASKING", on_reply=_ignored)
        super().call(*command, on_reply=partial(self._replied, on_reply))

    def _replied(self, on_reply: OnReply, reply: Any) -> None:
        to = redirection(reply, self._at)
        if to is None:
            on_reply(reply)
            return
        self._to = to
        on_reply(LinkDownError())
        self.drop()

    def _place(self) -> Place:
        to, self._to = self._to, None
        if to is None:
            self._at = self._candidates[self._turn % len(self._candidates)]
            self._turn += 1
        else:
            self._at = to.place
        self._by_asking = to is not None and to.asking
        return self._at

    def _pause(self) -> float:
        if self._to is not None and self._hops < _MOST_HOPS:
            self._hops += 1
            return _REDIRECTED_SECONDS
        self._hops = 0
        return super()._pause()

    async def _handshake(self) -> None:
        await super()._handshake()
        if self._by_asking:
            return
        found = ranges(await self._ask("CLUSTER", "SLOTS"), self._at)
        owners = [part for part in found if part.first <= self._slot <= part.last]
        heard = [place for part in found for place in (part.primary, *part.replicas)]
        self._candidates = list(dict.fromkeys([*heard, *self._seeds]))
        if not owners:
            raise LinkDownError
        if owners[0].primary != self._at and not self._hops:
            self._to = Redirection(self._slot, owners[0].primary, asking=False)
            raise LinkDownError


def _ignored(reply: Any) -> None:
    pass
