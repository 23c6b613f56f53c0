"""Runs an application on a real socket beside the test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from shared.testing.waiting import PATIENCE_SECONDS


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The test runner keeps its signals."""


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, served by uvicorn on a free port of the loopback with its lifespan."""
    # The protocol is named, else asyncio leaves Nagle's algorithm on and every answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http="httptools", ws="none", lifespan="on", log_config=None, access_log=False, timeout_keep_alive=60
    )
    server = _Server(config)
    task = asyncio.create_task(server._serve([listener]))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - serve() would take the test runner's signals
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the application did not start; its log says why")
            await asyncio.sleep(0.01)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=PATIENCE_SECONDS, trust_env=False
        ) as client:
            yield client
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, PATIENCE_SECONDS)
