"""Memory of a process that holds many idle keep-alive connections, each after one request."""

import contextlib
import resource
import socket
from typing import Any

from benchmarks.gateway import machine, wrk
from benchmarks.gateway.bulk import head, receive
from benchmarks.gateway.candidates import CANDIDATES
from benchmarks.gateway.candidates.candidate import Setting
from benchmarks.gateway.ground import Ground

_NAMES = ("policy", "nginx")
_CONNECTIONS = 10_000
# Many clients and not one, so that no limit of a client's connections is met.
_OF_ONE_ADDRESS = 50


def idle(ground: Ground) -> dict[str, Any]:
    """For the results: resident bytes of each candidate before and with the connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found: dict[str, Any] = {"connections": _CONNECTIONS}
    for name in _NAMES:
        candidate = CANDIDATES[name]
        with (
            candidate.start(Setting(ground, ground.folder / f"{name}-idle")) as server,
            contextlib.ExitStack() as open_,
        ):
            wrk.load(ground, candidate, server, 64, 1)
            before = machine.resident(server.pid)
            lines = "".join(f"{key}: {value}\r\n" for key, value in wrk.headers(ground, candidate).items())
            request = f"GET {candidate.path} HTTP/1.1\r\nHost: bench\r\n{lines}\r\n".encode()
            answered = sum(_ask(open_, server.port, number, request) for number in range(_CONNECTIONS))
            resident = machine.resident(server.pid)
        found[name] = {
            "answered": answered,
            "before_mb": round(before / 1e6, 1),
            "with_connections_mb": round(resident / 1e6, 1),
            "bytes_a_connection": round((resident - before) / _CONNECTIONS),
        }
        print(f"  {name:<8}{found[name]}", flush=True)
    return found


def _ask(open_: contextlib.ExitStack, port: int, number: int, request: bytes) -> bool:
    address = number // _OF_ONE_ADDRESS
    link = socket.socket()
    open_.enter_context(link)
    link.bind((f"127.1.{address // 250}.{address % 250 + 1}", 0))
    link.settimeout(10)
    link.connect(("127.0.0.1", port))
    link.sendall(request)
    first, headers, rest = head(link)
    receive(link, int(headers.get("content-length", "0")) - len(rest))
    return " 200 " in first
