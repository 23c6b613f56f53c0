"""``python -m gateway.doorway``: a process that holds the public socket and hands it to every gateway that asks for it.

For containers, of which one alone can publish a port: this one does, reads nothing that comes in by it, and so need
never be replaced. The gateways of a deploy serve the same socket; what waits in its queue when the old one closes its
copy is the new one's (docs/adr/0044). Small on purpose, and of the standard library alone.

A gateway asks by connecting to the Unix socket ``HTTP_DOORWAY`` and keeps that connection for as long as it lives;
after the last one has gone the port refuses, as it does where a gateway listens by itself.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
from pathlib import Path

from gateway.workers.listeners import bind

_WELCOME = b"!"


class Doorway:
    """See the module."""

    def __init__(self, path: Path, host: str, port: int) -> None:
        self._path, self._host, self._port = path, host, port
        self._public: socket.socket | None = None
        self._gateways: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        path.unlink(missing_ok=True)  # of one that was killed
        self._asked = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._asked.bind(str(path))
        self._asked.listen()
        self._selector.register(self._asked, selectors.EVENT_READ)

    def serve(self, stop: socket.socket) -> None:
        """Until there is something to read from ``stop``."""
        self._selector.register(stop, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                found = key.fileobj
                if found is stop:
                    self._path.unlink(missing_ok=True)
                    return
                if found is self._asked:
                    self._enter(self._asked.accept()[0])
                elif isinstance(found, socket.socket):
                    self._leave(found)

    def _enter(self, gateway: socket.socket) -> None:
        if self._public is None:
            self._public = bind(self._host, self._port, 1)[0]
        with contextlib.suppress(OSError):  # it has gone already; that is what is read from it next
            socket.send_fds(gateway, [_WELCOME], [self._public.fileno()])
        self._gateways.add(gateway)
        self._selector.register(gateway, selectors.EVENT_READ)

    def _leave(self, gateway: socket.socket) -> None:
        """A gateway never says anything: what can be read is its end."""
        self._selector.unregister(gateway)
        self._gateways.discard(gateway)
        gateway.close()
        if not self._gateways and self._public is not None:
            self._public.close()
            self._public = None


def main() -> int:
    """Until SIGTERM; the exit status."""
    path = os.environ.get("HTTP_DOORWAY")
    if not path:
        print("HTTP_DOORWAY: name the Unix socket at which gateways ask", file=sys.stderr)
        return 1
    told, stop = socket.socketpair()
    told.setblocking(False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.send(b"."))
    try:
        doorway = Doorway(Path(path), os.environ.get("HTTP_HOST") or "127.0.0.1", int(os.environ["HTTP_PORT"]))
    except (OSError, KeyError, ValueError) as error:
        print(f"cannot hold the door {path}: {error!r}", file=sys.stderr)
        return 1
    doorway.serve(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
