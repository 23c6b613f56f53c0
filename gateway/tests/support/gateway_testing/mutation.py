"""Streams of requests, first right, then not: what might make one side read more requests than another."""

import itertools
import random
from dataclasses import dataclass

# Inside bodies and chunks, never at the place of a request: who reads it as one has lost the frame.
HIDDEN = b"GET /plain?hidden HTTP/1.1\r\nhost: h\r\n\r\n"
_WORDS = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\x00",
    b"\t",
    b" ",
    b":",
    b" :",
    b"\xff",
    b"\x0b",
    b"0\r\n\r\n",
    b"0x",
    b"+",
    b"_",
    b";a=b",
    b"ffffffffffffffff",
    b"transfer-encoding: chunked\r\n",
    b"transfer-encoding:\tchunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"transfer-encoding: chunked, identity\r\n",
    b"content-length: 0\r\n",
    b"content-length: 7\r\n",
    b"content-length:\r\n",
    b"connection: close\r\n",
    b"connection: upgrade\r\nupgrade: websocket\r\n",
    b"connection: transfer-encoding\r\n",
    b"expect: 100-continue\r\n",
    b"host: b\r\n",
    b"x: 1\r\n y: 2\r\n",
    b"HTTP/1.0",
    b"HTTP/1.1",
    b" HTTP/1.1\r\n",
    HIDDEN,
)


@dataclass
class Stream:
    """``requests`` is what the bytes held before they were changed."""

    data: bytes
    requests: int
    changed: bool

    def cut(self, chance: random.Random) -> list[bytes]:
        """The bytes in the pieces in which they arrive."""
        points = sorted(chance.randrange(len(self.data) + 1) for _ in range(chance.choice((0, 1, 2, 5, 20))))
        bounds = [0, *points, len(self.data)]
        return [self.data[a:b] for a, b in itertools.pairwise(bounds) if a < b]


def tag(run: int) -> int:
    """A number of a run that no change makes of another's."""
    return 10**11 + run * 2654435761 % 10**11


def stream(chance: random.Random, run: int) -> Stream:
    """One to eight requests whose targets say the run and the place; more often than not changed somewhere."""
    count = chance.randint(1, 8)
    alike = chance.random() < 0.3
    data = b"".join(_request(chance, run, n, alike=alike) for n in range(count))
    changes = chance.choice((0, 1, 1, 2, 4))
    for _ in range(changes):
        data = _change(chance, data)
    return Stream(data, count, changes > 0)


def _request(chance: random.Random, run: int, place: int, *, alike: bool) -> bytes:
    kind = "get" if alike else chance.choice(("get", "get", "sized", "chunked", "head", "socket"))
    target = b"/plain?run=%d&at=%d" % (tag(run), place)
    head = b" %b HTTP/1.1\r\nhost: a\r\naccept: */*\r\n" % target
    hidden = b"GET /plain?hidden&run=%d&at=0 HTTP/1.1\r\nhost: h\r\n\r\n" % tag(run)
    body = chance.choice((b"", b"x", hidden, hidden * 3, b"0\r\n\r\n" + hidden))
    if kind == "sized":
        return b"POST%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)
    if kind == "chunked":
        end = chance.choice((b"0\r\n\r\n", b"0\r\nx-end: 1\r\n\r\n", b"0\r\nhost: b\r\n\r\n"))
        chunks = b"%x%b\r\n%b\r\n" % (len(body), chance.choice((b"", b";a=b")), body) if body else b""
        return b"POST%btransfer-encoding: chunked\r\n\r\n%b%b" % (head, chunks * chance.randint(1, 2), end)
    if kind == "socket":
        return b"GET%bconnection: upgrade\r\nupgrade: websocket\r\n\r\n" % head
    return (b"HEAD" if kind == "head" else b"GET") + head + b"\r\n"


def _change(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    to = min(len(data), at + chance.choice((1, 1, 2, 5, 30)))
    kind = chance.choice(("word", "word", "word", "drop", "flip", "copy", "move", "end"))
    if kind == "word":
        lines = [n + 2 for n in range(len(data)) if data[n : n + 2] == b"\r\n"]
        at = chance.choice(lines) if lines and chance.random() < 0.5 else at
        return data[:at] + chance.choice(_WORDS) + data[at:]
    if kind == "drop":
        return data[:at] + data[to:]
    if kind == "flip":
        return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    if kind == "copy":
        return data[:to] + data[at:to] + data[to:]
    if kind == "move":
        other = chance.randrange(len(data) + 1)
        return data[:other] + data[at:to] + data[other:]
    return data[:at] or data
