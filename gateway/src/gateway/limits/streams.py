"""How many streams one client holds open: each of them holds a connection to a service for as long as it likes.

Counted in this process, as the connections are; a request limit says nothing about what lasts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.data.client_address import limit_key
from gateway.problem import Refusal

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange

Holder = tuple[str, str]
_RETRY_AFTER = ((b"retry-after", b"5"),)


class Streams:
    """Live streams by route (its versions together) and client."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0
        self._live: dict[Holder, int] = {}

    def __len__(self) -> int:
        return self._open

    def take(self, exchange: Exchange) -> Holder:
        """Count the stream, for ``release`` to take back; raises Refusal, 429 over the client's cap, 503 over all."""
        assert exchange.match is not None  # noqa: S101 - only a routed request is a stream
        route, principal = exchange.match.route, exchange.principal
        who = f"user:{principal.subject}" if principal else f"address:{limit_key(exchange.address)}"
        holder = (route.name, who)
        live = self._live.get(holder, 0)
        if live >= route.max_streams:
            detail = f"{live} streams of this client are open; close one first."
            raise Refusal(429, "too_many_streams", detail, headers=_RETRY_AFTER)
        if self._open >= self._most:
            raise Refusal(503, "too_many_streams", "The gateway holds no more open streams.", headers=_RETRY_AFTER)
        self._open += 1
        self._live[holder] = live + 1
        return holder

    def release(self, holder: Holder) -> None:
        """The stream is over."""
        self._open -= 1
        live = self._live[holder] - 1
        if live:
            self._live[holder] = live
        else:
            del self._live[holder]
