"""Ports for processes that must be told theirs before they start."""

import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass


def free_port() -> int:
    """A port of the loopback that nobody listens on now, below those that the kernel gives to connections."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@dataclass(frozen=True)
class HandedSocket:
    """A bound socket that a process of ours gets: nobody can take its port before the process listens."""

    url: str
    environment: Mapping[str, str]
    pass_fds: tuple[int]


@contextmanager
def handed_socket() -> Iterator[HandedSocket]:
    """For the start of a process; afterwards the socket is that process's alone, and ends with it."""
    with socket.socket() as public:
        public.bind(("127.0.0.1", 0))
        number = public.fileno()
        yield HandedSocket(f"http://127.0.0.1:{public.getsockname()[1]}", {"HTTP_FD": str(number)}, (number,))
