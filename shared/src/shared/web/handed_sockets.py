"""Bound sockets that whoever started the process handed to it (``HTTP_FD``, ``HTTP_PROBE_FD``)."""

import socket
from dataclasses import dataclass

from shared.settings import HttpSettings, UnusableSettingError


@dataclass(frozen=True)
class HandedSockets:
    """Those served from the start, and those that are served once the process is told to (``HTTP_HOLD``)."""

    served: list[socket.socket]
    held: list[socket.socket]


def handed_sockets(settings: HttpSettings) -> HandedSockets | None:
    """None where the process listens on a port of its own. Raises UnusableSettingError for what is no socket."""
    if settings.fd is None:
        return None
    public = _inherited("HTTP_FD", settings.fd)
    if settings.probe_fd is None:
        return HandedSockets([public], [])
    probe = _inherited("HTTP_PROBE_FD", settings.probe_fd)
    return HandedSockets([probe], [public]) if settings.hold else HandedSockets([public, probe], [])


def _inherited(name: str, number: int) -> socket.socket:
    try:
        handed = socket.socket(fileno=number)
        # A child that outlives us would keep the port.
        handed.set_inheritable(False)
    except OSError as error:
        raise UnusableSettingError(f"{name}: {number} is no socket that was handed over: {error.strerror}") from None
    return handed
