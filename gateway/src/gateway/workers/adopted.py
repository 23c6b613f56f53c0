"""Listeners of workers that died, served here until their successors are there."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from gateway.workers.channel import Duty

log = structlog.stdlib.get_logger(__name__)


class Adopted:
    """``protocols`` makes a client connection, as for the worker's own listener."""

    def __init__(self, listeners: tuple[int, ...], protocols: Callable[[], asyncio.Protocol]) -> None:
        self._listeners = listeners
        self._protocols = protocols
        self._servers: dict[int, asyncio.Server] = {}
        # In the order asked: a release must not overtake its adoption.
        self._lock = asyncio.Lock()
        self._closed = False

    def duties(self) -> Mapping[str, Duty]:
        """What the parent asks for."""
        return {"adopt": self._adopt, "release": self._release}

    def close(self) -> None:
        """Accept no more, and keep nobody else's socket open."""
        self._closed = True
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    async def _adopt(self, message: dict[str, Any]) -> None:
        number = message["listener"]
        async with self._lock:
            if number in self._servers or self._closed:
                return
            # A copy, for closing it must leave the one that may be needed again.
            listener = socket.socket(fileno=os.dup(self._listeners[number]))
            listener.setblocking(False)
            server = await asyncio.get_running_loop().create_server(self._protocols, sock=listener, backlog=2048)
            self._servers[number] = server
            log.info("listener_adopted", of_worker=number)

    async def _release(self, message: dict[str, Any]) -> None:
        async with self._lock:
            server = self._servers.pop(message["listener"], None)
            if server is not None:
                server.close()
                log.info("listener_released", of_worker=message["listener"])
