"""Each weather of the proxy, on real sockets."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chaos.fault_proxy import FAIR, HOST, FaultProxy, Weather
from shared.testing.waiting import PATIENCE_SECONDS

SOON = 0.15


@asynccontextmanager
async def through_proxy() -> AsyncIterator[tuple[FaultProxy, int]]:
    """A proxy before a server that sends back what it gets."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0)
    proxy = FaultProxy(server.sockets[0].getsockname()[1])
    port = await proxy.start()
    try:
        yield proxy, port
    finally:
        await proxy.close()
        server.close()


async def said_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: bytes) -> bytes:
    writer.write(text)
    await writer.drain()
    return await reader.readexactly(len(text))


async def test_it_passes_everything_and_the_end_of_the_stream():
    async with through_proxy() as (_, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        sent = bytes(range(256)) * 4_000
        writer.write(sent)
        writer.write_eof()
        assert await reader.read(-1) == sent


async def test_a_client_that_is_killed_ends_at_the_server_too():
    """Whoever dies with unread data in hand resets the connection, and says no goodbye."""
    ended = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"never read")
        with contextlib.suppress(ConnectionError):
            while await reader.read(65_536):
                pass
        ended.set()
        writer.close()

    server = await asyncio.start_server(listen, HOST, 0)
    proxy = FaultProxy(server.sockets[0].getsockname()[1])
    _, writer = await asyncio.open_connection(HOST, await proxy.start())
    writer.write(b"hello")
    await writer.drain()
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ended.wait()
    finally:
        await proxy.close()
        server.close()


async def test_cut_resets_what_is_open_and_lets_new_ones_in():
    async with through_proxy() as (proxy, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        assert await said_back(reader, writer, b"hello") == b"hello"
        assert proxy.cut() == 1
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        assert await said_back(*await asyncio.open_connection(HOST, port), b"again") == b"again"


async def test_refuse_resets_old_and_new_until_it_is_fair():
    async with through_proxy() as (proxy, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        assert await said_back(reader, writer, b"hello") == b"hello"
        proxy.turn(Weather(refuse=True))
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        with pytest.raises(OSError):  # noqa: PT011 - reset while it connects or right after it did
            await said_back(*await asyncio.open_connection(HOST, port), b"hello")
        proxy.turn(FAIR)
        assert await said_back(*await asyncio.open_connection(HOST, port), b"again") == b"again"


async def test_stalled_keeps_what_was_sent_and_hands_it_over_later():
    async with through_proxy() as (proxy, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        assert await said_back(reader, writer, b"hello") == b"hello"
        proxy.turn(Weather(stalled=True))
        answer = asyncio.create_task(said_back(reader, writer, b"later"))
        new = asyncio.create_task(said_back(*await asyncio.open_connection(HOST, port), b"new"))
        _, waiting = await asyncio.wait({answer, new}, timeout=SOON)
        assert waiting == {answer, new}
        proxy.turn(FAIR)
        assert [await answer, await new] == [b"later", b"new"]


async def test_delay_holds_each_way_up():
    async with through_proxy() as (proxy, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        proxy.turn(Weather(delay=0.05))
        began = time.monotonic()
        assert await said_back(reader, writer, b"hello") == b"hello"
        assert time.monotonic() - began >= 0.1


async def test_throttle_lets_so_many_bytes_through_a_second():
    async with through_proxy() as (proxy, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        proxy.turn(Weather(bytes_per_second=10_000))
        began = time.monotonic()
        assert len(await said_back(reader, writer, b"x" * 3_000)) == 3_000
        assert time.monotonic() - began >= 0.3


async def test_throttle_ends_at_once_when_it_is_fair():
    async with through_proxy() as (proxy, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        proxy.turn(Weather(bytes_per_second=100))
        answer = asyncio.create_task(said_back(reader, writer, b"x" * 100_000))
        await asyncio.wait({answer}, timeout=SOON)
        proxy.turn(FAIR)
        # Throttled it would take a quarter of an hour.
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert len(await answer) == 100_000


@pytest.mark.parametrize("after", [1, 1_000, 30_000])
async def test_reset_comes_in_the_middle_of_an_answer(after: int):
    async with through_proxy() as (proxy, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        proxy.turn(Weather(reset_after=after))
        writer.write(b"x" * 60_000)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(60_000)
        proxy.turn(FAIR)
        assert await said_back(*await asyncio.open_connection(HOST, port), b"again") == b"again"


async def test_a_server_that_is_away_resets_the_client():
    with socket.socket() as held:
        # Bound, so that nobody else listens there meanwhile.
        held.bind((HOST, 0))
        gone = FaultProxy(held.getsockname()[1])
        reader, writer = await asyncio.open_connection(HOST, await gone.start())
        with pytest.raises(OSError):  # noqa: PT011 - reset while it writes or while it reads
            await said_back(reader, writer, b"hello")
        await gone.close()
