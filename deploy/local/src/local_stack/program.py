"""A program the supervisor runs: plain data, so that the table of processes is one list."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from local_stack.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_PROBE_SECONDS = 2.0


class Probe(Protocol):
    """Says whether a program is ready, in the words of its problem: an empty text is ready."""

    async def __call__(self) -> str:
        """Ask once."""
        ...


@dataclass(frozen=True)
class TcpProbe:
    """Ready when the port takes a connection."""

    port: int

    async def __call__(self) -> str:
        """Ask once."""
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                _, writer = await asyncio.open_connection(HOST, self.port)
        except (OSError, TimeoutError) as error:
            return f"port {self.port}: {error or 'timeout'}"
        writer.close()
        return ""


@dataclass(frozen=True)
class HttpProbe:
    """Ready when `GET path` answers 200."""

    port: int
    path: str = "/health/ready"

    async def __call__(self) -> str:
        """Ask once."""
        try:
            status_line, body = await ask_http(self.port, self.path)
        except (OSError, TimeoutError) as error:
            return f"port {self.port}: {error or 'timeout'}"
        if " 200" in status_line[:13]:
            return ""
        return f"{self.path}: {status_line} {body[:300]}".strip()


async def ask_http(port: int, path: str) -> tuple[str, str]:
    """Status line and body of the answer to a GET on the loopback. Raises OSError or TimeoutError."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n"
    async with asyncio.timeout(_PROBE_SECONDS):
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(request.encode())
            answer = (await reader.read()).decode(errors="replace")
        finally:
            writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head.partition("\r\n")[0], body


@dataclass(frozen=True)
class Program:
    """One process: how it is started, known to be ready, and stopped."""

    name: str
    command: tuple[str, ...]
    probe: Probe
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    directory: Path = Path("/")
    after: tuple[str, ...] = ()
    """Programs that must have been ready once before this one is started."""
    port: int | None = None
    user: int | None = None
    """The uid (and gid) to run as when we are root."""
    stop_rank: int = 0
    """All of a higher rank have ended before one of a lower is asked to: those that use a thing go before it."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    listeners: int = 0
    """Sockets that are bound for it and handed to it (doorway.py), so that two processes can share them; 0: none."""
    finish: Callable[[], Awaitable[None]] | None = None
    """What is still to do once it answers and before it counts as ready."""
