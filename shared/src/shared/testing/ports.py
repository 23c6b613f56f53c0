"""Ports for processes that must be told theirs before they start."""

import contextlib
import secrets
import socket


def free_port() -> int:
    """A port of the loopback that nobody listens on now, below those that the kernel gives to connections."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
