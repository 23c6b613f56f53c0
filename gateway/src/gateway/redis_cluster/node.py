"""The connection to one node of a cluster; one that was just heard of may be asked while it is being connected to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.limits.redis_link import LinkDownError, RedisLink

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.limits.redis_link import OnReply
    from gateway.redis_cluster.address import ClusterAddress, Place

_HELD_SECONDS = 0.04


class Node:
    """``late`` holds what waits for an overdue reply of it: until it is there nobody else is sent."""

    def __init__(
        self, address: ClusterAddress, place: Place, script: str, name: str, on_up: Callable[[], None]
    ) -> None:
        self.place = place
        self.named_at = 0.0
        self.link = RedisLink(address.url_of(place), script, name=name, on_up=self._on_up)
        self.late: set[object] = set()
        self._tell = on_up
        # Commands that came before the first connection; None once it stands or takes too long.
        self._held: list[tuple[tuple[bytes | str | int, ...], bool, OnReply]] | None = []
        self._timer = asyncio.get_running_loop().call_later(_HELD_SECONDS, self._give_up)
        self.link.start()

    @property
    def ready(self) -> bool:
        """Whether it may be asked."""
        return not self.late and (self.link.up or self._held is not None)

    def send(self, command: tuple[bytes | str | int, ...], on_reply: OnReply, *, asking: bool) -> None:
        """One command; ``on_reply`` as of RedisLink."""
        if self.link.up:
            if asking:
                self.link.call("ASKING", on_reply=_ignored)
            self.link.call(*command, on_reply=on_reply)
        elif self._held is not None:
            self._held.append((command, asking, on_reply))
        else:
            on_reply(LinkDownError())

    def drop(self) -> None:
        """Give the connection up; it is made anew."""
        self.late.clear()
        self.link.drop()

    def stop(self) -> None:
        """Hang up for good."""
        self._give_up()
        self.link.stop()

    def _on_up(self) -> None:
        self._timer.cancel()
        held, self._held = self._held, None
        for command, asking, on_reply in held or ():
            self.send(command, on_reply, asking=asking)
        self._tell()

    def _give_up(self) -> None:
        self._timer.cancel()
        held, self._held = self._held, None
        for _, _, on_reply in held or ():
            on_reply(LinkDownError())


def _ignored(reply: Any) -> None:
    pass
