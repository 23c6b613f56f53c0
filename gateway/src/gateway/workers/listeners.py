"""The listening sockets: one a worker on the same port (SO_REUSEPORT), all held by the parent.

The kernel spreads connections over them by their addresses. While the parent holds a socket, a worker that dies leaves
its queue of connections intact: the others take it over until its successor is there (docs/adr/0018).
"""

from __future__ import annotations

import socket


def bind(host: str, port: int, count: int) -> list[socket.socket]:
    """``count`` sockets on one address, not yet listening; port 0 takes a free one. Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound: list[socket.socket] = []
    try:
        for _ in range(count):
            listener = socket.socket(family, socket.SOCK_STREAM)
            bound.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if count > 1:
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
