"""What an upstream sends before the request has left is no answer to it (TRAPS, forwarding 9 and 10)."""

from typing import Any

import pytest

from gateway.upstream.connection import Connection
from gateway.upstream.known_answers import KnownAnswers

REQUEST = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Kernel:
    """A transport that keeps what is written until it is flushed."""

    def __init__(self) -> None:
        self.buffer = 0
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.buffer += len(data)

    def get_write_buffer_size(self) -> int:
        return self.buffer

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Pool:
    def __init__(self) -> None:
        self.released = 0
        self.known = KnownAnswers()

    def release(self, _: Connection) -> None:
        self.released += 1

    def forget(self, _: Connection) -> None:
        pass


class Listener:
    method, switches, on_whole_answer = b"GET", False, None

    def __init__(self) -> None:
        self.events: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: self.events.append((name, named or arguments[1:]))


def asked() -> tuple[Connection, Kernel, Listener]:
    connection, transport, listener = Connection(Pool()), Kernel(), Listener()  # pyright: ignore[reportArgumentType]
    connection.transport = transport  # pyright: ignore[reportAttributeAccessIssue]
    connection.begin(listener, REQUEST)  # pyright: ignore[reportArgumentType]
    return connection, transport, listener


@pytest.mark.parametrize("body", [0, 200_000], ids=["no body", "a body"])
def test_bytes_that_come_before_the_request_has_left_end_the_connection(body: int):
    connection, transport, listener = asked()
    connection.send(b"x" * body)
    connection.data_received(ANSWER)
    assert transport.aborted
    # As a stale connection's loss: the one safe retry may follow.
    assert listener.events == [("on_connection_lost", {"answered": False})]


@pytest.mark.parametrize("left", [0, 100_000], ids=["all sent", "the body still on its way"])
def test_an_answer_to_what_has_left_is_one(left: int):
    connection, transport, listener = asked()
    connection.send(b"x" * 200_000)
    transport.buffer = left
    connection.request_complete = True
    connection.data_received(ANSWER)
    assert [name for name, _ in listener.events][-1] == "on_answer_end"


def test_bytes_while_idle_end_the_connection():
    connection, transport, _ = asked()
    transport.buffer = 0
    connection.request_complete = True
    connection.data_received(ANSWER)
    assert not transport.aborted
    connection.data_received(ANSWER)
    assert transport.aborted
