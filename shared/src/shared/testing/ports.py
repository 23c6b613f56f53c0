"""Ports for processes that must be told theirs before they start."""

import secrets
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

_claims: deque[socket.socket] = deque()
_CLAIMED_AT_ONCE = 64


def free_port() -> int:
    """A port of the loopback that nobody listens on now, below those that the kernel gives to connections.

    Nobody here listens by UDP: bound, it tells the runs of tests beside this one that the port will be in use.
    """
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        if len(_claims) > _CLAIMED_AT_ONCE:
            _claims.popleft().close()
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
