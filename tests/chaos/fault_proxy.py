"""A TCP proxy on the loopback that can be made to treat connections badly, now and for as long as is wanted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

HOST = "127.0.0.1"
_CHUNK = 65_536
_SLICES_A_SECOND = 10
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: a close sends RST and not FIN (socket(7))."""


@dataclass(frozen=True)
class Weather:
    """How a proxy treats what passes; the default is to pass everything at once.

    ``refuse``: connections are reset, those that come too. ``stalled``: nothing passes, and nothing is lost.
    ``delay`` in seconds for each piece and way. ``bytes_per_second`` each way of a connection. ``reset_after``: so many
    bytes come back, and then the connection that brought the last is reset in the middle of its stream.
    """

    refuse: bool = False
    stalled: bool = False
    delay: float = 0.0
    bytes_per_second: int | None = None
    reset_after: int | None = None


FAIR = Weather()


class FaultProxy:
    """Listens on a free port and passes on to ``port`` of the loopback."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._weather = FAIR
        self._changed = asyncio.Event()
        self._left = 0
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()

    async def start(self) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._connected, HOST, 0)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and end what is open."""
        if self._server is not None:
            self._server.close()
        self.turn(FAIR)
        self.cut()
        while self._pairs:
            await asyncio.sleep(0.01)

    def turn(self, weather: Weather) -> None:
        """Treat everything like this from now on; connections that are open too."""
        self._weather = weather
        self._left = weather.reset_after or 0
        self._changed.set()
        self._changed = asyncio.Event()
        if weather.refuse:
            self.cut()

    def cut(self) -> int:
        """Reset every open connection now; returns how many there were."""
        for pair in list(self._pairs):
            pair.reset()
        return len(self._pairs)

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        pair = _Pair([writer])
        self._pairs.add(pair)
        try:
            await self._serve(pair, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pair.reset()
        finally:
            self._pairs.discard(pair)
            pair.close()

    async def _serve(self, pair: _Pair, reader: StreamReader, writer: StreamWriter) -> None:
        if self._weather.refuse:
            pair.reset()
            return
        await self._until_not_stalled()
        back_reader, back_writer = await asyncio.open_connection(HOST, self._target)
        pair.writers.append(back_writer)
        if pair.is_reset:
            pair.reset()
            return
        # A client that is killed resets its connection: the server must hear of it at once, as it does without a proxy.
        pumps = [
            asyncio.create_task(self._pump(pair, reader, back_writer, back=False)),
            asyncio.create_task(self._pump(pair, back_reader, writer, back=True)),
        ]
        try:
            await asyncio.gather(*pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, pair: _Pair, reader: StreamReader, writer: StreamWriter, *, back: bool) -> None:
        while data := await reader.read(_CHUNK):
            await self._pass(pair, data, writer, back=back)
        await self._until_not_stalled()
        if not pair.is_reset and writer.can_write_eof():
            with contextlib.suppress(OSError):
                writer.write_eof()

    async def _pass(self, pair: _Pair, data: bytes, writer: StreamWriter, *, back: bool) -> None:
        while data:
            await self._until_not_stalled()
            weather = self._weather
            if weather.delay:
                await asyncio.sleep(weather.delay)
            size = len(data)
            if weather.bytes_per_second:
                size = min(size, max(1, weather.bytes_per_second // _SLICES_A_SECOND))
                await asyncio.sleep(size / weather.bytes_per_second)
            if back and weather.reset_after is not None and weather is self._weather:
                size = min(size, self._left)
                self._left -= size
            if size:
                writer.write(data[:size])
                await writer.drain()
            data = data[size:]
            if back and self._left == 0 and self._weather.reset_after is not None:
                self._left = self._weather.reset_after
                pair.reset()
                return

    async def _until_not_stalled(self) -> None:
        while self._weather.stalled:
            await self._changed.wait()


class _Pair:
    """The two halves of a connection through the proxy."""

    def __init__(self, writers: list[StreamWriter]) -> None:
        self.writers = writers
        self.is_reset = False

    def reset(self) -> None:
        self.is_reset = True
        for writer in self.writers:
            connection = writer.get_extra_info("socket")
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    def close(self) -> None:
        for writer in self.writers:
            writer.close()
