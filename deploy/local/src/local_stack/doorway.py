"""The public sockets of one program, bound here and handed to each process that runs it.

While the old and the new process of a deploy hold the same sockets they share one queue of connections: what still
waits in it when the old one closes its copy is the new one's to answer. Nobody listens here: a connect is refused until
a process takes connections, and again once the last one has ended.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from local_stack.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping


class Doorway:
    """``count`` sockets on one address; with several the kernel spreads connections over them."""

    def __init__(self, host: str, port: int, count: int) -> None:
        self._address = (host, port)
        self._count = count
        self._bound: list[socket.socket] = []
        self._users: set[object] = set()

    @classmethod
    def of(cls, environment: Mapping[str, str], workers: int) -> Doorway:
        """Where a process with this environment would listen by itself."""
        return cls(environment.get("HTTP_HOST") or HOST, int(environment["HTTP_PORT"]), workers)

    def enter(self, user: object) -> list[int]:
        """File descriptors for a process that ``user`` is about to start. Raises OSError when the port is taken."""
        if not self._bound:
            self._bind()
        self._users.add(user)
        return [bound.fileno() for bound in self._bound]

    def leave(self, user: object) -> None:
        """The process has ended; after the last one the port is free."""
        self._users.discard(user)
        if not self._users:
            for bound in self._bound:
                bound.close()
            self._bound = []

    def _bind(self) -> None:
        host, port = self._address
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        try:
            for _ in range(self._count):
                bound = socket.socket(family, socket.SOCK_STREAM)
                self._bound.append(bound)
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if self._count > 1:
                    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                bound.bind(address)
        except OSError:
            self.leave(None)
            raise


def workers_asked(environment: Mapping[str, str]) -> int:
    """How many processes the gateway shares its port between, as it reads ``WORKERS`` itself."""
    asked = environment.get("WORKERS") or "1"
    if asked == "auto":
        return len(os.sched_getaffinity(0))
    return int(asked) if asked.isdecimal() and int(asked) > 0 else 1
