"""What the tests of the cache share: an upstream that says how long its answers hold, and paths nobody asked for."""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway_testing.upstream import Call
from gateway_testing.wire import Answer
from shared.testing.waiting import PATIENCE_SECONDS

FRESH = [("cache-control", "public, max-age=60"), ("content-type", "text/plain")]
numbers = itertools.count(1)


def path(route: str = "kept") -> str:
    """A path nobody asked for yet."""
    return f"/api/v1/{route}/{next(numbers)}"


@dataclass
class Says:
    """A manner: this answer to each GET, numbered by its body; 304 where the tag still holds."""

    headers: list[tuple[str, str]]
    status: int = 200
    size: int = 0
    etag: str | None = None
    count: int = 0
    conditional: list[str | None] = field(default_factory=list[str | None])

    async def __call__(self, call: Call) -> None:
        await call.read_body()
        headers = [*self.headers, *([("etag", self.etag)] if self.etag else [])]
        if call.seen.method not in ("GET", "HEAD"):
            await call.answer(204)
            return
        self.count += 1
        condition = call.seen.get("if-none-match")
        self.conditional.append(condition)
        if self.etag is not None and condition == self.etag:
            await call.answer(304, b"", *headers)
            return
        body = b"body %d" % self.count if self.status != 204 else b""
        await call.answer(self.status, body.ljust(self.size, b"."), *headers)


def hit(answer: Answer) -> bool:
    """Whether the answer came from the memory of the process."""
    return any(re.fullmatch(r"gatehouse; hit; ttl=-?\d+", value) for value in answer.all("cache-status"))


async def eventually(done: Callable[[], Awaitable[bool]], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not await done():
            await asyncio.sleep(0.02)
