"""Requests at a fixed rate, whatever the answers do; each is timed from when it was due, not from its sending.

So a stall of the server counts for all requests that were due meanwhile (no coordinated omission). Run as a program
on the load's core; prints one line of JSON. The timer is a timerfd(2): epoll's own timeout knows only milliseconds.
"""

import argparse
import ctypes
import gc
import json
import os
import select
import socket
import sys
import time
from collections import deque

from benchmarks.gateway.figures import percentile

_CONNECTIONS = 128
_DRAIN_SECONDS = 5.0
_READ = 65536


class _Interval(ctypes.Structure):
    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("first_seconds", ctypes.c_long),
        ("first_nanoseconds", ctypes.c_long),
    )


def _ticks(nanoseconds: int) -> int:
    """A file descriptor that is readable every so often."""
    system = ctypes.CDLL(None, use_errno=True)
    timer = system.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK)
    interval = _Interval(0, nanoseconds, 0, nanoseconds)
    if timer < 0 or system.timerfd_settime(timer, 0, ctypes.byref(interval), None) < 0:
        raise OSError(ctypes.get_errno(), "timerfd")
    return timer


class OpenLoop:
    """One run against one port; ``latencies`` are seconds, ``waited`` counts requests that found no free connection."""

    def __init__(self, port: int, request: bytes, rate: int) -> None:
        self.latencies: list[float] = []
        self.errors = 0
        self.waited = 0
        self._request = request
        self._interval = 1 / rate
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._due: dict[int, float] = {}
        self._begun: dict[int, bytes] = {}
        self._free: deque[int] = deque()
        self._queue: deque[float] = deque()
        for _ in range(_CONNECTIONS):
            self._open(port)

    def _open(self, port: int) -> None:
        link = socket.create_connection(("127.0.0.1", port), timeout=10)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The first answer says how long all of them are.
        link.sendall(self._request)
        answer = b""
        while b"\r\n\r\n" not in answer or len(answer) < answer_length(answer):
            piece = link.recv(_READ)
            if not piece:
                raise ConnectionError(answer[:200])
            answer += piece
        if not answer.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(answer[:200])
        link.setblocking(False)
        number = link.fileno()
        self._sockets[number] = link
        self._epoll.register(number, select.EPOLLIN)
        self._free.append(number)

    def run(self, seconds: float) -> None:
        """Send for so long, then wait for what is still out."""
        count = int(seconds / self._interval)
        timer = _ticks(int(self._interval * 1e9))
        self._epoll.register(timer, select.EPOLLIN)
        began, sent, clock = time.perf_counter(), 0, time.perf_counter
        deadline = began + seconds + _DRAIN_SECONDS
        while sent < count or self._due or self._queue:
            for number, _ in self._epoll.poll(0.1):
                if number != timer:
                    self._answered(number)
                    continue
                os.read(timer, 8)
                # What is due by the clock, so that a tick that came late loses nothing.
                while sent < count and (due := began + sent * self._interval) <= clock():
                    sent += 1
                    self._send(due)
            if clock() > deadline:
                break
        self.errors += len(self._due) + len(self._queue)
        os.close(timer)

    def _send(self, due: float) -> None:
        if not self._free:
            self.waited += 1
            self._queue.append(due)
            return
        number = self._free.popleft()
        self._due[number] = due
        self._sockets[number].send(self._request)

    def _answered(self, number: int) -> None:
        piece = self._sockets[number].recv(_READ)
        answer = self._begun.pop(number, b"") + piece
        due = self._due.get(number)
        if not piece or due is None or not answer.startswith(b"HTTP/1.1 200"):
            self._give_up(number)
        elif len(answer) < answer_length(answer):
            self._begun[number] = answer
        else:
            self.latencies.append(time.perf_counter() - due)
            del self._due[number]
            self._free.append(number)
            if self._queue:
                self._send(self._queue.popleft())

    def _give_up(self, number: int) -> None:
        self.errors += 1
        self._due.pop(number, None)
        if number in self._free:
            self._free.remove(number)
        self._epoll.unregister(number)
        self._sockets.pop(number).close()


def answer_length(answer: bytes) -> int:
    """Bytes of the whole answer; one more than is there while its head is not whole."""
    head, ended, _ = answer.partition(b"\r\n\r\n")
    if not ended:
        return len(answer) + 1
    _, found, rest = head.lower().partition(b"content-length:")
    return len(head) + 4 + (int(rest.partition(b"\r\n")[0]) if found else 0)


def main() -> int:
    """The request's header lines come from standard input, so that a token stands in no process list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    headers = "".join(f"{line.strip()}\r\n" for line in sys.stdin if line.strip())
    request = f"GET {given.path} HTTP/1.1\r\nHost: 127.0.0.1:{given.port}\r\n{headers}\r\n".encode()
    loop = OpenLoop(given.port, request, given.rate)
    gc.disable()
    loop.run(given.seconds)
    milliseconds = [each * 1e3 for each in loop.latencies]
    figures = {f"p{part}_ms": round(percentile(milliseconds, float(part) / 100), 4) for part in ("50", "99", "99.9")}
    print(json.dumps({**figures, "answers": len(milliseconds), "errors": loop.errors, "waited": loop.waited}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
