"""The server around both planes: uvicorn with our protocol, and a stop that no client notices.

SIGTERM: not ready at once, a while of still accepting, then idle connections close, what is in flight is finished,
and the process ends with status 0. SIGHUP: the routes file is read again.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncGenerator, Generator
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from gateway.admin.server import AdminServer, admin_listener
from gateway.control.app import create_control_app
from gateway.control.duties import duties
from gateway.data.client_connection import ClientConnection
from gateway.runtime import Gateway
from gateway.settings import Settings
from gateway.workers.adopted import Adopted
from gateway.workers.listeners import inherited, public_listeners
from gateway.workers.place import Place
from gateway.workers.team import Team

log = structlog.stdlib.get_logger(__name__)

_KEYS_SECONDS = 5.0
_STOPS = (signal.SIGTERM, signal.SIGINT)


class GatewayServer(uvicorn.Server):
    """See the module."""

    def __init__(
        self,
        settings: Settings,
        place: Place | None,
        admin: socket.socket | None,
        held: list[socket.socket] | None = None,
    ) -> None:
        self.settings = settings
        self._held = held or []
        self.team = Team(place)
        self.adopted: Adopted | None = None
        self._admin_listener = admin
        self.admin: AdminServer | None = None
        self.gateway: Gateway | None = None
        super().__init__(
            uvicorn.Config(
                create_control_app(self._lifespan),
                host=settings.host,
                port=settings.port,
                loop="uvloop",
                http=ClientConnection,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=settings.keep_alive_seconds,
                timeout_graceful_shutdown=settings.drain_seconds,
            )
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
        app.state.gateway = self.gateway = gateway = Gateway(self.settings, self.team)
        await gateway.start()
        await self.team.join(duties(gateway), self._orphaned)
        if self.team.place is not None and self.team.place.again and gateway.table.identifies:
            # The others serve this worker's listener until it can do what they can.
            await gateway.keys.wait_known(_KEYS_SECONDS)
        yield {"gateway": self.gateway}
        await self.gateway.stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """As uvicorn's, but the signal is not raised again at the end: a stop that was asked for is no failure."""
        loop = asyncio.get_running_loop()
        for number in _STOPS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        if self.team.place is None:
            loop.add_signal_handler(signal.SIGUSR1, self._open_soon)
        try:
            yield
        finally:
            for number in (*_STOPS, signal.SIGHUP, signal.SIGUSR1):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept, and tell the parent so."""
        await super().startup(sockets)
        place = self.team.place
        if self._admin_listener is not None and self.gateway is not None:
            self.admin = AdminServer(self.gateway, self._admin_listener)
            self.admin.start()
        if place is not None:
            self.adopted = Adopted(place.listeners, self._connection)
            self.team.duties.update(self.adopted.duties())
            self.team.duties["open"] = self._open
            await self.team.accepting()

    async def _open(self, _: dict[str, Any]) -> None:
        """Whoever started us found us ready: the public listener is served too."""
        held, self._held = self._held, []
        for listener in held:
            server = await asyncio.get_running_loop().create_server(self._connection, sock=listener, backlog=2048)
            self.servers.append(server)
            log.info("serving")

    def _open_soon(self) -> None:
        self._opening = asyncio.ensure_future(self._open({}))

    def _connection(self) -> ClientConnection:
        return ClientConnection(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    def _orphaned(self) -> None:
        if not self.should_exit:
            log.error("parent_gone")
            self.should_exit = True

    def _reload(self) -> None:
        if self.gateway is not None:
            self.gateway.reloading.soon()

    async def shutdown(self, sockets: Any = None) -> None:
        """Drain, then stop."""
        assert self.gateway is not None  # noqa: S101 - made before the server accepts
        self.gateway.draining = True
        for connection in list(self.server_state.connections):
            if isinstance(connection, ClientConnection):
                # It closes with its next answer, which says so: no request meets a connection that just closed.
                connection.draining = True
        log.info("draining", seconds=self.settings.not_ready_seconds)
        await asyncio.sleep(self.settings.not_ready_seconds)
        if self.adopted is not None:
            self.adopted.close()
        await super().shutdown(sockets)
        if self.admin is not None:
            await self.admin.stop()
        for connection in list(self.server_state.connections):
            if isinstance(connection, ClientConnection):
                connection.transport.abort()


def run(settings: Settings, place: Place | None) -> int:
    """Serve until a signal says stop, alone or at a place among several workers; the exit status."""
    sockets: list[socket.socket] | None = None
    try:
        if place is not None:
            # Of the others' listeners only copies are served (workers/adopted.py).
            sockets = [socket.socket(fileno=os.dup(place.listener))]
        elif settings.handed:
            sockets = public_listeners(settings)
        number, hold = (settings.probe_fd, settings.hold) if place is None else (place.probe, place.held)
        probe = [] if number is None else [inherited(number)]
        admin = admin_listener(settings, place)
    except OSError as error:
        log.error("cannot_listen", admin_port=settings.admin_port, handed=settings.handed, error=str(error))  # noqa: TRY400 - no fault of ours
        return 1
    if sockets is None:
        GatewayServer(settings, place, admin).run()
    elif hold:
        GatewayServer(settings, place, admin, sockets).run(probe)
    else:
        GatewayServer(settings, place, admin).run([*sockets, *probe])
    return 0
