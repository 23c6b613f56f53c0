"""Connections to all primaries of a cluster: a command goes to the node that has its slot, and after it when it moves.

The map of slots is asked for when a reply says that it is old, when a node is away, and now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import hiredis
import structlog

from gateway.limits.redis_link import LinkDownError
from gateway.redis_cluster.node import Node
from gateway.redis_cluster.redirection import redirection
from gateway.redis_cluster.slots import SLOTS, ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.limits.redis_link import OnReply
    from gateway.redis_cluster.address import ClusterAddress, Place
    from gateway.redis_cluster.redirection import Redirection

log = structlog.stdlib.get_logger(__name__)

# Between two looks at the map while all is well, and while something is missing.
_LOOK_SECONDS = (10.0, 0.5)
# However many replies say that the map is old.
_LEAST_SECONDS = 0.1
_REPLY_SECONDS = 1.0
_MOST_HOPS = 5
# A node that has no slot is let go when it has not been named for so long: it may be on the way to its first.
_FORGOTTEN_SECONDS = 30.0


class ClusterLink:
    """``up``: some node answers and the map is known; ``complete``: every slot has a node that answers."""

    def __init__(
        self, address: ClusterAddress, script: str, *, name: str, on_up: Callable[[], None] | None = None
    ) -> None:
        self._address, self._script, self._name, self._on_up = address, script, name, on_up
        self._loop = asyncio.get_running_loop()
        self._nodes: dict[Place, Node] = {}
        self._owners = _nobody()
        self._primaries: tuple[Node, ...] = ()
        self._covered = False
        self._asked_at = -_LEAST_SECONDS
        self._asking: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None
        self._first_complete = asyncio.Event()
        self._turn = 0

    @property
    def up(self) -> bool:
        """See the class."""
        return any(node.link.up for node in self._primaries)

    @property
    def complete(self) -> bool:
        """See the class; a node whose reply is overdue does not answer."""
        return self._covered and all(_answers(node) for node in self._primaries)

    def nodes(self) -> dict[str, str]:
        """For people: each primary and how it is."""
        return {f"{host}:{port}": _said(self._nodes[host, port]) for host, port in sorted(self._nodes)}

    def start(self) -> None:
        """Begin to connect."""
        for place in self._address.seeds:
            self._node(place)
        self._looking()

    async def wait_up(self, seconds: float) -> None:
        """For the start: until every slot can be asked."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._first_complete.wait()

    def stop(self) -> None:
        """Hang up."""
        for timer in (self._look, self._asking):
            if timer is not None:
                timer.cancel()
        self._look = self._asking = None
        nodes, self._nodes = self._nodes, {}
        self._owners = _nobody()
        self._primaries, self._covered = (), False
        for node in nodes.values():
            node.stop()

    def owner(self, slot: int) -> Node | None:
        """The node that has the slot, as far as is known."""
        return self._owners[slot]

    def call(self, slot: int, *command: bytes | str | int, on_reply: OnReply) -> Call:
        """Send one command whose keys lie in ``slot``; ``on_reply`` as of RedisLink, never with a redirection."""
        call = Call(self, slot, command, on_reply)
        call.send(self._owners[slot])
        return call

    def drop(self) -> None:
        """Give up the connections whose replies are overdue."""
        for node in self._primaries:
            if node.late:
                node.drop()

    def redirected(self, to: Redirection) -> Node:
        """The node that a reply names; one that has the slot from now on is asked next time."""
        node = self._node(to.place)
        if not to.asking:
            self._owners[to.slot] = node
            if node not in self._primaries:
                self._primaries += (node,)
        self.refresh()
        return node

    def refresh(self) -> None:
        """Ask some node that answers for the map, unless one has just been asked."""
        now = self._loop.time()
        if self._asking is not None or now - self._asked_at < _LEAST_SECONDS:
            return
        there = [node for node in self._nodes.values() if _answers(node)]
        if not there:
            return
        self._asked_at = now
        self._turn += 1
        node = there[self._turn % len(there)]
        self._asking = self._loop.call_later(_REPLY_SECONDS, self._unanswered)
        node.link.call("CLUSTER", "SLOTS", on_reply=partial(self._on_map, node))

    def _unanswered(self) -> None:
        self._asking = None

    def _on_map(self, node: Node, reply: Any) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        if not self._nodes:
            return
        if isinstance(reply, Exception) or not reply:
            # A node that is in no cluster has no map to tell.
            log.warning("redis_cluster_map_refused", link=self._name, error=str(reply or "no slots").split(" ", 1)[0])
            return
        owners = _nobody()
        for found in ranges(reply, node.place):
            owner = self._node(found.primary)
            owners[found.first : found.last + 1] = [owner] * (found.last + 1 - found.first)
        self._owners = owners
        self._covered = None not in owners
        self._primaries = tuple({node for node in owners if node is not None})
        self._let_go()
        if self.complete:
            self._first_complete.set()

    def _let_go(self) -> None:
        """Of nodes that have no slot any more, once one of the others answers."""
        if not self.up:
            return
        for place, node in list(self._nodes.items()):
            if node not in self._primaries and self._loop.time() - node.named_at > _FORGOTTEN_SECONDS:
                del self._nodes[place]
                node.stop()

    def _node(self, place: Place) -> Node:
        found = self._nodes.get(place)
        if found is None:
            name = f"{self._name} {place[0]}:{place[1]}"
            found = self._nodes[place] = Node(self._address, place, self._script, name, self._node_up)
        found.named_at = self._loop.time()
        return found

    def _node_up(self) -> None:
        if not self._primaries:
            self.refresh()
        if self.complete:
            self._first_complete.set()
        if self._on_up is not None and self.up:
            self._on_up()

    def _looking(self) -> None:
        complete = self.complete
        if not any(node.link.up for node in self._nodes.values()):
            # All that was known may be gone: what the setting names is tried again.
            for place in self._address.seeds:
                self._node(place)
        self.refresh()
        self._look = self._loop.call_later(_LOOK_SECONDS[0] if complete else _LOOK_SECONDS[1], self._looking)


class Call:
    """One command on its way; ``node`` is who has it now."""

    __slots__ = ("_asking", "_cluster", "_command", "_hops", "_on_reply", "node", "slot")

    def __init__(
        self, cluster: ClusterLink, slot: int, command: tuple[bytes | str | int, ...], on_reply: OnReply
    ) -> None:
        self._cluster, self.slot, self._command, self._on_reply = cluster, slot, command, on_reply
        self._hops = 0
        self._asking = False
        self.node: Node | None = None

    def again(self, *command: bytes | str | int) -> None:
        """Another command in the place of this one, to the node that replied."""
        self._command = command
        self.send(self.node, asking=self._asking)

    def send(self, node: Node | None, *, asking: bool = False) -> None:
        """To a node; None where nobody is known to have the slot."""
        self.node, self._asking = node, asking
        if node is None:
            self._on_reply(LinkDownError())
        else:
            node.send(self._command, self._replied, asking=asking)

    def _replied(self, reply: Any) -> None:
        if isinstance(reply, Exception):
            assert self.node is not None  # noqa: S101 - somebody replied
            to = redirection(reply, self.node.place)
            if to is not None and self._hops < _MOST_HOPS:
                self._hops += 1
                self.send(self._cluster.redirected(to), asking=to.asking)
                return
            if not isinstance(reply, hiredis.ReplyError) or str(reply).startswith("CLUSTERDOWN"):
                self._cluster.refresh()
        self._on_reply(reply)


def _nobody() -> list[Node | None]:
    return [None] * SLOTS


def _answers(node: Node) -> bool:
    return node.link.up and not node.late


def _said(node: Node) -> str:
    return "up" if _answers(node) else "late" if node.link.up else "down"
