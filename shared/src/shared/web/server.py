"""Runs an application under uvicorn and stops it in order.

SIGTERM: not ready at once -> after ``HTTP_NOT_READY_SECONDS`` (the load balancer has seen it) stop
accepting -> requests in hand finish within ``HTTP_DRAIN_SECONDS`` -> pools close (the app's lifespan).
"""

import asyncio
import os
import signal
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from shared.settings import HttpSettings
from shared.web.refused_start import refused_in_words

log = structlog.stdlib.get_logger(__name__)


class GracefulServer(uvicorn.Server):
    """Uvicorn's server with a not-ready phase before it stops accepting."""

    def __init__(self, config: uvicorn.Config, draining: asyncio.Event, not_ready_seconds: float) -> None:
        super().__init__(config)
        self._draining = draining
        self._not_ready_seconds = not_ready_seconds

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
        http="httptools",
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
    server = GracefulServer(config, app.state.draining, settings.not_ready_seconds)
    server.run()
    if not server.started:
        raise SystemExit(3)
