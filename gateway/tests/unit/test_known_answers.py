"""Answers whose heads repeat to the byte skip the parser: only those that the parser would take for the same."""

from typing import Any

import pytest

from gateway.upstream.connection import Connection
from gateway.upstream.known_answers import KnownAnswers

REQUEST = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\netag: 1\r\n\r\n"


class Sent:
    """A transport that has sent all it was given."""

    def __init__(self) -> None:
        self.aborted = False

    def write(self, _: bytes) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Pool:
    def __init__(self) -> None:
        self.known = KnownAnswers()

    def release(self, _: Connection) -> None:
        pass

    def forget(self, _: Connection) -> None:
        pass


class Listener:
    """Writes down what it is told: an answer whole, or in pieces."""

    switches = False

    def __init__(self, method: bytes) -> None:
        self.method = method
        self.whole: list[tuple[int, bytes]] = []
        self.pieces: list[Any] = []

    def on_whole_answer(self, known: Any, body: bytes) -> None:
        self.whole.append((known.status, body))

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **_: self.pieces.append((name, arguments))


class Upstream:
    def __init__(self) -> None:
        self.connection = Connection(Pool())  # pyright: ignore[reportArgumentType]
        self.transport = Sent()
        self.connection.transport = self.transport  # pyright: ignore[reportAttributeAccessIssue]

    def answers(self, *reads: bytes, method: bytes = b"GET") -> Listener:
        listener = Listener(method)
        self.connection.begin(listener, REQUEST)  # pyright: ignore[reportArgumentType]
        self.connection.request_complete = True
        for read in reads:
            self.connection.data_received(read)
        return listener


def test_the_second_of_two_alike_comes_whole_with_a_body_of_its_own():
    upstream = Upstream()
    assert upstream.answers(HEAD + b"abcd").whole == []
    again = upstream.answers(HEAD + b"efgh")
    assert (again.whole, again.pieces) == ([(200, b"efgh")], [])
    # Also after one that the parser took.
    assert upstream.answers(HEAD[:20], HEAD[20:] + b"ijkl").whole == []
    assert upstream.answers(HEAD + b"mnop").whole == [(200, b"mnop")]


@pytest.mark.parametrize(
    "reads",
    [
        (HEAD + b"ab", b"cd"),
        (HEAD, b"abcd"),
        (HEAD.replace(b"etag: 1", b"etag: 2") + b"abcd",),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + b"abcd",),
    ],
    ids=["half a body", "no body yet", "another header", "behind an interim answer"],
)
def test_what_is_not_the_same_whole_answer_is_parsed(reads: tuple[bytes, ...]):
    upstream = Upstream()
    upstream.answers(HEAD + b"abcd")
    listener = upstream.answers(*reads)
    assert listener.whole == []
    assert listener.pieces[-1] == ("on_answer_end", ())


def test_bytes_behind_the_same_answer_close_the_connection():
    upstream = Upstream()
    upstream.answers(HEAD + b"abcd")
    assert upstream.answers(HEAD + b"abcdX").whole == []
    assert upstream.transport.aborted


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nabcd",
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + b"abcd",
    ],
    ids=["chunked", "closing", "304", "interim"],
)
def test_only_whole_answers_of_a_stated_length_are_learnt(answer: bytes):
    known = KnownAnswers()
    for _ in range(2):
        upstream = Upstream()
        upstream.connection.pool.known = known
        assert upstream.answers(answer).whole == []


def test_an_answer_to_head_is_neither_learnt_nor_taken_for_known():
    upstream = Upstream()
    empty = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    upstream.answers(empty, method=b"HEAD")
    assert upstream.answers(empty).whole == []
    known = upstream.connection.pool.known
    upstream = Upstream()
    upstream.connection.pool.known = known
    assert upstream.answers(empty, method=b"HEAD").whole == []


def test_what_was_known_says_nothing_about_the_next_that_is_not():
    """A HEAD behind a known answer: its connection was kept once because the flag of the answer before stood."""
    upstream = Upstream()
    upstream.answers(HEAD + b"abcd")
    upstream.answers(HEAD + b"abcd")
    upstream.answers(b"HTTP/1.1 200 OK\r\n\r\n", method=b"HEAD")
    assert upstream.transport.aborted


def test_the_memory_is_bounded():
    known = KnownAnswers()
    for number in range(10_000):
        data = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\netag: %d\r\n\r\n" % number
        known.learn(data, 200, [], 0)
    assert len(known._heads) <= 256
    long = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\netag: %b\r\n\r\n" % (b"x" * 4096)
    known.learn(long, 200, [], 0)
    assert known.find(long) is None
