"""Canaries: which upstream a client gets, by conditions or by a hash that keeps it where it is.

The hash is of the client and the split's upstream alone: a client that gets the canary of one route gets it of all
routes with that split, in every process, and a weight that grows only adds clients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from gateway.data.client_address import limit_key
from gateway.routes.conditions import Conditions, compile_conditions

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.routes.explained import Asked
    from gateway.routes.model import RouteModel, RoutesModel

_RANGE = 2.0**64


@dataclass(frozen=True, slots=True)
class _Arm:
    upstream: str
    conditions: Conditions
    # Of the clients that the arms before left.
    part: float

    def draws(self, key: bytes) -> bool:
        """Whether the client belongs to it."""
        digest = blake2b(key, digest_size=8, salt=blake2b(self.upstream.encode(), digest_size=16).digest()).digest()
        return int.from_bytes(digest) < self.part * _RANGE


class Split:
    """Of one route; ``upstream`` is who gets the rest."""

    def __init__(self, arms: tuple[_Arm, ...], sticky: str, upstream: str) -> None:
        self._arms = arms
        self._upstream = upstream
        self._kind, _, name = sticky.partition(":")
        self._name = name.encode() if self._kind == "cookie" else name.lower().encode()
        self._varies = tuple(dict.fromkeys(name for arm in arms for name in arm.conditions.names))

    def choose(self, exchange: Exchange) -> None:
        """Set the upstream of the exchange's match; its identity is known."""
        found = exchange.match
        assert found is not None  # noqa: S101 - a routed request
        varies = found.varies + tuple(name for name in self._varies if name not in found.varies)
        upstream, why = self.upstream_of(exchange)
        exchange.match = replace(found, upstream=upstream, varies=varies)
        exchange.event("split", upstream=upstream, why=why)
        exchange.gateway.routing.splits.add(found.route.name, upstream)

    def upstream_of(self, exchange: Exchange | Asked) -> tuple[str, str]:
        """The upstream, and whether "condition", "weight" or "rest" decided."""
        head = exchange.head
        for arm in self._arms:
            if len(arm.conditions) and arm.conditions.hold(head.headers, exchange.query):
                return arm.upstream, "condition"
        return self.drawn(self._key(exchange))

    def drawn(self, key: bytes) -> tuple[str, str]:
        """The upstream of a client by what it is known by."""
        for arm in self._arms:
            if arm.part and arm.draws(key):
                return arm.upstream, "weight"
        return self._upstream, "rest"

    def _key(self, exchange: Exchange | Asked) -> bytes:
        """What a client is known by; without the user, cookie or header that is asked for, its address."""
        value: bytes | None = None
        if self._kind == "client" and exchange.principal is not None:
            return b"user:" + exchange.principal.subject.encode()
        if self._kind == "header":
            value = next((value for name, value in exchange.head.headers if name == self._name), None)
        elif self._kind == "cookie":
            value = _cookie(exchange.head.headers, self._name)
        return b"value:" + value if value else b"address:" + limit_key(exchange.address).encode()


def _cookie(headers: list[tuple[bytes, bytes]], wanted: bytes) -> bytes | None:
    for header, value in headers:
        if header == b"cookie":
            for pair in value.split(b";"):
                name, equals, found = pair.strip().partition(b"=")
                if equals and name == wanted:
                    return found
    return None


def compile_split(model: RouteModel, file: RoutesModel) -> Split | None:
    """None where all requests of the route go to one upstream."""
    if not model.split:
        return None
    left, arms = 100.0, list[_Arm]()
    for split in model.split:
        part = min(1.0, split.weight / left) if left > 0 else 0.0
        arms.append(_Arm(file.resolved(split.upstream), compile_conditions(split.when), part))
        left -= split.weight
    return Split(tuple(arms), model.sticky, file.resolved(model.upstream))
