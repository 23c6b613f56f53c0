"""Runs an application under uvicorn and stops it in order.

SIGTERM: not ready at once -> after ``HTTP_NOT_READY_SECONDS`` (the load balancer has seen it) stop
accepting, with nobody left in the queue -> requests in hand finish within ``HTTP_DRAIN_SECONDS`` -> pools close (the
app's lifespan).
SIGUSR1, for a process on hold (``HTTP_HOLD``): whoever started it found it ready; the public socket is served from now.
"""

import asyncio
import gc
import os
import signal
import socket
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from shared.settings import HttpSettings, wrong_settings_in_words
from shared.web.closing import ClosingConnection, ClosingState
from shared.web.handed_sockets import handed_sockets
from shared.web.last_connections import accept_the_last
from shared.web.refused_start import refused_in_words

log = structlog.stdlib.get_logger(__name__)


class GracefulServer(uvicorn.Server):
    """Uvicorn's server with a not-ready phase before it stops accepting, and a held one before it begins."""

    def __init__(
        self,
        config: uvicorn.Config,
        draining: asyncio.Event,
        not_ready_seconds: float,
        held: list[socket.socket],
        *,
        shared: bool,
    ) -> None:
        super().__init__(config)
        self.server_state = self._state = ClosingState()
        self._draining = draining
        self._not_ready_seconds = not_ready_seconds
        self._held = held
        self._shared = shared
        self._opening: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept; on the held sockets after SIGUSR1."""
        await super().startup(sockets)
        # What is there by now stays for good: a full collection need not walk through it while requests wait.
        gc.collect()
        gc.freeze()
        if self._held:
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._open)

    def _open(self) -> None:
        if self._opening is None:
            self._opening = asyncio.create_task(self._serve_held())

    async def _serve_held(self) -> None:
        held, self._held = self._held, []
        for listener in held:
            server = await asyncio.get_running_loop().create_server(
                lambda: ClosingConnection(self.config, self._state, self.lifespan.state),
                sock=listener,
                backlog=self.config.backlog,
            )
            self.servers.append(server)
        log.info("serving", sockets=len(held))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener and reset nobody who waits there; at a shared one it is another's to accept them."""
        stay = 0.0 if self._shared else await accept_the_last(self.servers)
        closed = asyncio.get_running_loop().time()
        await super().shutdown(sockets)
        await asyncio.sleep(closed + stay - asyncio.get_running_loop().time())

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the stop; a second signal ends at once."""
        if not self.started:
            # Still waiting for a dependency: nothing is in hand, so there is nothing to drain. Not by the signal's
            # default action, which a process that is the first of its container does not have.
            os._exit(128 + sig)
        if self._draining.is_set():
            super().handle_exit(sig, frame)
            return
        log.info("draining", signal=signal.Signals(sig).name)
        self._state.draining = True
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(self._draining.set)
        loop.call_soon_threadsafe(loop.call_later, self._not_ready_seconds, super().handle_exit, sig, frame)


def serve(app: FastAPI, settings: HttpSettings) -> None:
    """Serve until a signal says stop."""
    config = uvicorn.Config(
        refused_in_words(app),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=ClosingConnection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # Longer than a client keeps its idle connections, so that it is the client who closes them.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
    with wrong_settings_in_words(app.title):
        handed = handed_sockets(settings)
    held = handed.held if handed else []
    server = GracefulServer(config, app.state.draining, settings.not_ready_seconds, held, shared=handed is not None)
    server.run(handed.served if handed else None)
    if not server.started:
        raise SystemExit(3)
