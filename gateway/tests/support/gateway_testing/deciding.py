"""Talks to decide.lua in a real valkey with a clock of the test's own."""

import socket
import struct
from typing import Any

import hiredis

from gateway.limits.figures import Figures
from gateway.limits.limiter import SCRIPT
from shared.testing.waiting import PATIENCE_SECONDS


def with_own_clock() -> str:
    """The script, told the time as its last argument, its keys kept for days: in production it asks Redis itself."""
    script = SCRIPT
    for ours, its in (
        ("redis.call('TIME')", "{0, table.remove(ARGV)}"),
        ("'PX', ", "'PX', 1000000000 + "),
        ("redis.call('PEXPIRE', key, ", "redis.call('PEXPIRE', key, 1000000000 + "),
    ):
        assert ours in script
        script = script.replace(ours, its)
    return script


class Decider:
    """One connection; times in microseconds."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()
        self._own = self.call("SCRIPT", "LOAD", with_own_clock()).decode()
        self._real = self.call("SCRIPT", "LOAD", SCRIPT).decode()

    def close(self) -> None:
        self._socket.close()

    def call(self, *words: str | int | bytes) -> Any:
        self._socket.sendall(hiredis.pack_command(words))
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        if isinstance(reply, Exception):
            raise reply
        return reply

    def decide(self, requests: list[list[tuple[str, Figures]]], now: int | None = None) -> list[list[tuple[int, int]]]:
        """For each request its limits' (left, time), in one call."""
        keys = [key for request in requests for key, _ in request]
        plans = [b"".join(struct.pack("<4d", *figures.arguments) for _, figures in request) for request in requests]
        words = [len(keys), *keys, bytes(range(1, len(requests) + 1)), *plans]
        told = self.call("EVALSHA", self._real, *words) if now is None else self.call("EVALSHA", self._own, *words, now)
        pairs = iter(zip(told[::2], told[1::2], strict=True))
        return [[next(pairs) for _ in request] for request in requests]

    def one(self, key: str, figures: Figures, now: int) -> tuple[int, int]:
        return self.decide([[(key, figures)]], now)[0][0]
