"""Whom a limit counts: the part of its key in Redis that tells clients apart."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING

from gateway.data.client_address import limit_key

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange

# Names that are ours to choose stand first, those a token brings last, so that none can pretend to be another.
_ORDER = ("route", "address", "key", "tier", "client", "user")
_SHARED = ("route", "tier")


def counted(by: tuple[str, ...]) -> Callable[[Exchange], str]:
    """The function that names who is counted."""
    parts = [_PARTS[name] for name in _ORDER if name in by]
    if len(parts) == 1:
        return parts[0]
    return lambda exchange: "|".join([part(exchange) for part in parts])


def tagged(by: tuple[str, ...]) -> Callable[[Exchange], str]:
    """The same for a cluster: who asks is the hash tag, so that all limits of one client lie in one slot.

    A limit that tells no clients apart, but routes or tiers, has its own.
    """
    who = [_PARTS[name] for name in _ORDER if name in by and name not in _SHARED] or [_PARTS[name] for name in by]
    what = [_PARTS[name] for name in _ORDER if name in by and _PARTS[name] not in who]

    def name(exchange: Exchange) -> str:
        tag = "|".join([part(exchange) for part in who])
        return "|".join([*[part(exchange) for part in what], "{" + tag + "}"])

    return name


def _address(exchange: Exchange) -> str:
    return "address:" + limit_key(exchange.address)


def _user(exchange: Exchange) -> str:
    principal = exchange.principal
    return _address(exchange) if principal is None else "user:" + principal.subject


def _key(exchange: Exchange) -> str:
    principal = exchange.principal
    if principal is None or principal.forward_as is None:
        return _user(exchange)
    # Verified by now; Redis is told which key it is, not what it is.
    return "key:" + blake2b(exchange.head.fields[b"x-api-key"], digest_size=16).hexdigest()


def _tier(exchange: Exchange) -> str:
    principal = exchange.principal
    return "tier:" + ("anonymous" if principal is None else principal.limit_tier)


def _route(exchange: Exchange) -> str:
    assert exchange.match is not None  # noqa: S101 - only a routed request has limits
    return "route:" + exchange.match.route.name


_PARTS: dict[str, Callable[[Exchange], str]] = {
    "route": _route,
    "address": _address,
    "key": _key,
    "tier": _tier,
    "client": _user,
    "user": _user,
}
