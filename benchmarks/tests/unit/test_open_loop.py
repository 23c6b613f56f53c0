"""The generator's own rule: a request is timed from when it was due."""

import selectors
import socket
import threading
from collections.abc import Iterator

import pytest

from benchmarks.gateway.open_loop import OpenLoop, answer_length

_REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_RATE = 500
_HELD = 100


class Holding:
    """Answers at once, but holds what comes after ``hold_after`` requests until ``_HELD`` of them are there."""

    def __init__(self, hold_after: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        self._hold_after = hold_after
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        waiting = selectors.DefaultSelector()
        waiting.register(self._listener, selectors.EVENT_READ)
        seen, held = 0, list[socket.socket]()
        while not self._over.is_set():
            for key, _ in waiting.select(0.05):
                if key.fileobj is self._listener:
                    waiting.register(self._listener.accept()[0], selectors.EVENT_READ)
                    continue
                link = key.fileobj
                assert isinstance(link, socket.socket)
                if not link.recv(4096):
                    waiting.unregister(link)
                    link.close()
                    continue
                seen += 1
                held.append(link)
                if seen <= self._hold_after or len(held) >= _HELD or seen > self._hold_after + _HELD:
                    for each in held:
                        # In two pieces, as a server may.
                        each.sendall(_ANSWER[:20])
                        each.sendall(_ANSWER[20:])
                    held.clear()
        waiting.close()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        self._listener.close()


@pytest.fixture
def holding() -> Iterator[Holding]:
    # The first 128 requests only open the connections.
    server = Holding(hold_after=128 + 50)
    yield server
    server.stop()


def test_a_stall_counts_for_all_that_were_due_meanwhile(holding: Holding):
    loop = OpenLoop(holding.port, _REQUEST, _RATE)
    loop.run(0.6)
    assert loop.errors == 0
    assert len(loop.latencies) == 0.6 * _RATE
    # Of those held, each waited at least until the last of them was due: half of them for half of the stall.
    slow = [each for each in loop.latencies if each >= _HELD / 2 / _RATE]
    assert len(slow) >= _HELD / 2


@pytest.mark.parametrize(
    ("answer", "length"),
    [(_ANSWER, len(_ANSWER)), (_ANSWER[:-1], len(_ANSWER)), (_ANSWER[:20], 21), (b"HTTP/1.1 204 N\r\n\r\n", 18)],
)
def test_an_answer_is_whole_when_its_length_is_there(answer: bytes, length: int):
    assert answer_length(answer) == length
