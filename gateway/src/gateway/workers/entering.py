"""The public socket from a doorway (gateway/doorway.py), and beside it one of our own, for probes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

import structlog

from gateway.workers.listeners import bind

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import Settings

log = structlog.stdlib.get_logger(__name__)

_PAUSE = 0.1


def entered(settings: Settings) -> Settings:
    """The settings of a gateway that was let in: with its sockets as if its parent had handed them over.

    Raises OSError when there is no doorway within ``doorway_seconds``, or our own port is taken.
    """
    if settings.doorway is None:
        return settings
    connection, public = _ask(settings.doorway, settings.doorway_seconds)
    own = bind(settings.host, settings.port, 1)[0]
    threading.Thread(target=_watch, args=(connection,), name="doorway", daemon=True).start()
    return settings.model_copy(update={"handed": (public,), "probe_fd": own.detach()})


def _ask(path: Path, seconds: float) -> tuple[socket.socket, int]:
    """It may be started beside us, or again."""
    deadline = time.monotonic() + seconds
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
            _, numbers, _, _ = socket.recv_fds(connection, 1, 1)
            if not numbers:
                raise ConnectionResetError("it let nobody in")
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            os.set_inheritable(numbers[0], False)
            return connection, numbers[0]


def _watch(connection: socket.socket) -> None:
    """A doorway that is gone took the port along: nobody reaches us until we are started again, at the next one."""
    with contextlib.suppress(OSError):
        connection.recv(1)
    log.error("doorway_gone")
    os.kill(os.getpid(), signal.SIGTERM)
