"""``MOVED`` (the slot has another node from now on) and ``ASK`` (this key has, while its slot is on its way)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import hiredis

from gateway.redis_cluster.address import place_of

if TYPE_CHECKING:
    from gateway.redis_cluster.address import Place

_WORDS = 3


class Redirection(NamedTuple):
    """Where to ask instead; ``asking``: for this once, and said so by ``ASKING`` before the command."""

    slot: int
    place: Place
    asking: bool


def redirection(reply: Any, asked: Place) -> Redirection | None:
    """What a reply of the node at ``asked`` says; None when it is no redirection."""
    if not isinstance(reply, hiredis.ReplyError):
        return None
    words = str(reply).split(" ")
    if words[0] not in ("MOVED", "ASK") or len(words) < _WORDS:
        return None
    try:
        host, port = place_of(words[2])
        return Redirection(int(words[1]), (host or asked[0], port), words[0] == "ASK")
    except ValueError:
        return None
