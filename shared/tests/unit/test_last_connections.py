"""A listener closes: who connected before is answered, who comes later is not let in, and nobody is reset."""

import asyncio
import errno
import socket
from typing import Any

import pytest
import uvicorn

from shared.web.closing import ClosingConnection
from shared.web.last_connections import queued, take_no_more, unheard
from shared.web.server import GracefulServer

ASKED = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


async def application(scope: Any, _receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def connected(address: tuple[str, int]) -> socket.socket:
    """Without a turn of the event loop: so it waits in the queue."""
    client = socket.create_connection(address)
    client.sendall(ASKED)
    return client


async def test_who_waits_in_the_queue_when_the_stop_begins_is_answered():
    config = uvicorn.Config(application, http=ClosingConnection, loop="uvloop", lifespan="off", port=0, log_config=None)
    config.load()
    server = GracefulServer(config, asyncio.Event(), 0, [], shared=False)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    clients = [connected(server.servers[0].sockets[0].getsockname()) for _ in range(20)]
    await server.shutdown()
    for client in clients:
        client.settimeout(10)
        with client:
            assert client.recv(15) == b"HTTP/1.1 200 OK"


def test_a_listener_that_takes_no_more_neither_lets_in_nor_resets():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        before = connected(listener.getsockname())
        assert queued(listener) == 1
        take_no_more(listener)
        assert unheard(listener) == 0
        with socket.socket() as late:
            late.setblocking(False)
            assert late.connect_ex(listener.getsockname()) == errno.EINPROGRESS
            assert unheard(listener) == 1
            accepted, _ = listener.accept()
            with before, accepted:
                assert accepted.recv(len(ASKED)) == ASKED
            assert queued(listener) == 0
            with pytest.raises(OSError, match="not connected"):
                late.getpeername()
