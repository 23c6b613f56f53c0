"""Ports: the free ones servers get, and the fixed ones that must be free."""

from __future__ import annotations

import secrets
import socket
from typing import TYPE_CHECKING

from local_stack.errors import LocalStackError, PortTakenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_stack.state import State

HOST = "127.0.0.1"
_HIGHEST = 65_535
_LOWEST, _EPHEMERAL = 10_000, 32_768


def is_free(port: int) -> bool:
    """Whether a listener could bind the port now."""
    with socket.socket() as probe:
        # Without it a port whose last connections linger in TIME_WAIT looks taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on.

    It is below those that Linux gives to connections: one of these could take it before the server listens, and a
    client that tries a server which is away could even be connected with itself.
    """
    while True:
        port = _LOWEST + secrets.randbelow(_EPHEMERAL - _LOWEST)
        if port not in _claims and _claim(port):
            return port


_claims: dict[int, socket.socket] = {}
"""By port. Seconds pass until the server listens, and who starts another system looks for ports meanwhile."""


def _claim(port: int) -> bool:
    """Whether the port is free and nobody else has it in mind; it is ours until this process ends, however it ends."""
    if port not in _claims:
        # Nobody here listens by UDP: bound, it is a sign to all who look for ports as we do.
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind((HOST, port))
        except OSError:
            claim.close()
            return False
        if not is_free(port):
            claim.close()
            return False
        _claims[port] = claim
    return is_free(port)


def remembered_ports(state: State, names: tuple[str, ...]) -> dict[str, int]:
    """A free port for each name: the one of last time while it is still free, else a new one."""
    kept = state.read("ports.json")
    ports: dict[str, int] = {}
    for name in names:
        port = kept.get(name)
        while port is None or port in ports.values() or not _claim(port):
            port = free_port()
        ports[name] = port
    state.write("ports.json", kept | ports)
    return ports


def port_setting(environment: Mapping[str, str], variable: str, default: int) -> int:
    """The port that a variable asks for, else the default one."""
    text = environment.get(variable) or str(default)
    if not text.isdecimal() or not 0 < int(text) <= _HIGHEST:
        message = f"{variable}={text} is no port: a number from 1 to {_HIGHEST} is needed"
        raise LocalStackError(message)
    return int(text)


def require_free(port: int, variable: str) -> None:
    """Raise `PortTakenError` when somebody else listens there."""
    if not is_free(port):
        raise PortTakenError(port, variable)
