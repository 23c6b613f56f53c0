"""A client that sends the bytes it is told and reads one answer after another."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httptools
import orjson


@dataclass
class Answer:
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    interim: list[int] = field(default_factory=list)
    complete: bool = False

    def __getitem__(self, name: str) -> str:
        return next(value for key, value in self.headers if key == name)

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        assert self["content-type"] == "application/problem+json"
        return self.json()["code"]


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._left = b""

    @classmethod
    async def open(cls, port: int) -> "Wire":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, head_only: bool = False, seconds: float = 60.0) -> Answer:
        """The next answer; raises ConnectionError when the connection ends before it is whole."""
        reading = _Reading(head_only=head_only)
        async with asyncio.timeout(seconds):
            while not reading.answer.complete:
                data, self._left = self._left or await self.reader.read(65536), b""
                if not data:
                    if reading.ends_by_close:
                        reading.answer.complete = True
                        break
                    raise ConnectionError(f"ended after {reading.answer.status} {len(reading.answer.body)} bytes")
                self._left = reading.feed(data)
        return reading.answer

    async def closed(self, seconds: float = 60.0) -> bool:
        """Whether the other side closes without a further byte."""
        try:
            async with asyncio.timeout(seconds):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def close(self) -> None:
        self.writer.close()

    def abort(self) -> None:
        self.writer.transport.abort()


class _Reading:
    def __init__(self, *, head_only: bool) -> None:
        self.answer = Answer()
        self._head_only = head_only
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[str, str]] = []
        self._done = False
        self.ends_by_close = False
        self._length = 0

    def feed(self, data: bytes) -> bytes:
        """Byte by byte where the end of the answer may lie, so that what follows it is left for the next."""
        index = 0
        while index < len(data) and not self._done:
            size = 1
            if self.answer.status and (self.ends_by_close or self._length):
                size = len(data) if self.ends_by_close else max(1, self._length - len(self.answer.body))
            self._parser.feed_data(data[index : index + size])
            index += size
        return data[index:]

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode().lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self.answer.interim.append(status)
            self._headers = []
            return
        self.answer.status, self.answer.headers = status, self._headers
        self._length = int(self.answer.get("content-length") or 0)
        names = {name for name, _ in self._headers}
        self.ends_by_close = not names & {"content-length", "transfer-encoding"} and status not in (204, 304)
        if self._head_only:
            self._done = self.answer.complete = True

    def on_body(self, body: bytes) -> None:
        if not self._done:
            self.answer.body += body

    def on_message_complete(self) -> None:
        if self.answer.status:
            self._done = self.answer.complete = True


def request(method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "host: gateway.test"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


async def ask(
    port: int,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    *,
    seconds: float = 60.0,
) -> Answer:
    """One request on a connection of its own."""
    wire = await Wire.open(port)
    try:
        await wire.send(request(method, target, headers, body))
        return await wire.answer(head_only=method == "HEAD", seconds=seconds)
    finally:
        wire.close()
