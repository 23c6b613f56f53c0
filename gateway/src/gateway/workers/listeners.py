"""The listening sockets: one a worker on the same port (SO_REUSEPORT), all held by the parent.

The kernel spreads connections over them by their addresses. While the parent holds a socket, a worker that dies leaves
its queue of connections intact: the others take it over until its successor is there (docs/adr/0018).
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings import Settings


def public_listeners(settings: Settings) -> list[socket.socket]:
    """One a worker: those that were handed over, else new ones. Raises OSError."""
    if not settings.handed:
        return bind(settings.host, settings.port, settings.workers)
    handed = [inherited(number) for number in settings.handed]
    return [handed[i] if i < len(handed) else handed[i % len(handed)].dup() for i in range(settings.workers)]


def inherited(number: int) -> socket.socket:
    """A socket that whoever started us handed over; our own children get it by hand alone. Raises OSError."""
    handed = socket.socket(fileno=number)
    handed.set_inheritable(False)
    return handed


def bind(host: str, port: int, count: int, *, shared: bool = False) -> list[socket.socket]:
    """``count`` sockets on one address, not yet listening; port 0 takes a free one. Raises OSError.

    ``shared`` with another process that binds the same.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound: list[socket.socket] = []
    try:
        for _ in range(count):
            listener = socket.socket(family, socket.SOCK_STREAM)
            bound.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if count > 1 or shared:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            address = listener.getsockname()
    except OSError:
        for listener in bound:
            listener.close()
        raise
    return bound
