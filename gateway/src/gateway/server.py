"""The server around both planes: uvicorn with our protocol, and a stop that no client notices.

SIGTERM: not ready at once, a while of still accepting, then idle connections close, what is in flight is finished,
and the process ends with status 0. SIGHUP: the routes file is read again.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Generator
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from gateway.control.app import create_control_app
from gateway.data.client_connection import ClientConnection
from gateway.runtime import Gateway
from gateway.settings import Settings

log = structlog.stdlib.get_logger(__name__)

_STOPS = (signal.SIGTERM, signal.SIGINT)


class GatewayServer(uvicorn.Server):
    """See the module."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
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
        app.state.gateway = self.gateway = Gateway(self.settings)
        await self.gateway.start()
        yield {"gateway": self.gateway}
        await self.gateway.stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """As uvicorn's, but the signal is not raised again at the end: a stop that was asked for is no failure."""
        loop = asyncio.get_running_loop()
        for number in _STOPS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        try:
            yield
        finally:
            for number in (*_STOPS, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def _reload(self) -> None:
        if self.gateway is not None:
            self.gateway.reload()

    async def shutdown(self, sockets: Any = None) -> None:
        """Drain, then stop."""
        assert self.gateway is not None  # noqa: S101 - made before the server accepts
        self.gateway.draining = True
        log.info("draining", seconds=self.settings.not_ready_seconds)
        await asyncio.sleep(self.settings.not_ready_seconds)
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            if isinstance(connection, ClientConnection):
                connection.transport.abort()


def run(settings: Settings) -> None:
    """Serve until a signal says stop."""
    GatewayServer(settings).run()
