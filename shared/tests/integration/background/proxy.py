"""A line to the broker that can be stalled, slowed and cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Self


class Proxy:
    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._lines: set[asyncio.StreamWriter] = set()
        self._accepting = True
        self.delay = 0.0
        self.port = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, host: str, port: int) -> AsyncIterator[Self]:
        proxy = cls(host, port)
        server = await asyncio.start_server(proxy._connect, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()
            proxy.resume()
            proxy.cut()

    def stall(self) -> None:
        """Bytes stay where they are, in both directions, and nobody is told."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        for writer in self._lines:
            writer.transport.abort()

    def refuse(self) -> None:
        """New lines are cut at once."""
        self._accepting = False

    def accept(self) -> None:
        self._accepting = True

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._accepting:
            writer.transport.abort()
            return
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        self._lines |= {writer, upstream_writer}
        try:
            await asyncio.gather(self._pump(reader, upstream_writer), self._pump(upstream_reader, writer))
        except OSError:
            pass
        finally:
            writer.transport.abort()
            upstream_writer.transport.abort()
            self._lines -= {writer, upstream_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            await asyncio.sleep(self.delay)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError
