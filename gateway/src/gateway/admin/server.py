"""The admin listener: a small server in the gateway's loop, so that it answers while the gateway drains."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn

from gateway.admin.app import create_admin_app
from gateway.runtime import Gateway
from gateway.settings import Settings
from gateway.workers.listeners import bind
from gateway.workers.place import Place

_STOP_SECONDS = 1


class AdminServer(uvicorn.Server):
    """``listener`` is bound; with several workers it is one queue that all of them take from."""

    def __init__(self, gateway: Gateway, listener: socket.socket) -> None:
        self._listener = listener
        self._task: asyncio.Task[None] | None = None
        super().__init__(
            uvicorn.Config(
                create_admin_app(gateway),
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )

    def start(self) -> None:
        """In the background."""
        self._task = asyncio.get_running_loop().create_task(self.serve([self._listener]))

    async def stop(self) -> None:
        """With the gateway."""
        self.should_exit = True
        if self._task is not None:
            await self._task

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """They are the gateway's."""
        yield


def admin_listener(settings: Settings, place: Place | None) -> socket.socket | None:
    """The parent's, or one of this process's own; None where there is to be none. Raises OSError."""
    if place is not None:
        return None if place.admin is None else socket.socket(fileno=place.admin)
    if settings.admin_port is None:
        return None
    return bind(settings.admin_host, settings.admin_port, 1, shared=bool(settings.handed))[0]
