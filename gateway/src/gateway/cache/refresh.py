"""A fetch behind a stale answer that was given at once (stale-while-revalidate); no client waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.data.exchange import Exchange

if TYPE_CHECKING:
    from gateway.data.client_connection import ClientConnection


class _Flow:
    write_paused = False


class _Nowhere:
    """Where an answer goes that nobody reads."""

    peer = ""
    scheme_bytes = b"http"
    draining = False
    flow = _Flow()

    def __init__(self, client: ClientConnection) -> None:
        self.peer, self.scheme_bytes, self.hop = client.peer, client.scheme_bytes, client.hop
        self.address = client.address
        self.transport = self

    def write(self, data: bytes) -> None:
        """Dropped."""

    def abort(self) -> None:
        """Nothing to end."""

    def is_closing(self) -> bool:
        """Never: the fetch is for those who come next."""
        return False

    def pause_reading(self) -> None:
        """There is no request to read."""

    def resume_reading(self) -> None:
        """See pause_reading."""

    def turn_done(self, exchange: Exchange) -> None:
        """No request stands behind this one."""


class Refresh(Exchange):
    """Asks again what ``origin`` asked, in its name; what comes of it concerns the cache alone."""

    told = False

    def __init__(self, origin: Exchange) -> None:
        client: ClientConnection = _Nowhere(origin.client)  # pyright: ignore[reportAssignmentType] - all of it that is used here
        super().__init__(origin.gateway, client, origin.head, b"GET", origin.target)
        self.path, self.query = origin.path, origin.query
        self.match, self.principal, self.address = origin.match, origin.principal, origin.address
        self.body_read = True

    def begin(self) -> None:
        """No steps before the cache: who asked was let in already."""
        self.gateway.deadlines.add(self)
