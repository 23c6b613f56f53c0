"""Spans that do not arrive are counted and said in the log, whatever the reason."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Counter
from structlog.testing import capture_logs

from gateway.telemetry.exporter import SpanExporter
from gateway.upstream.fetch import Fetcher


class Collector:
    """Answers each export with the next of its statuses."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        self.asked += 1
        writer.write(b"HTTP/1.1 %d Said\r\ncontent-length: 0\r\n\r\n" % self.statuses.pop(0))
        await writer.drain()
        writer.close()


@pytest.mark.parametrize(("status", "dropped"), [(200, 0), (202, 0), (400, 3), (401, 3), (404, 3), (301, 3), (500, 3)])
async def test_what_the_collector_refuses_is_counted_and_not_sent_again(status: int, dropped: int):
    collector = Collector(status)
    server = await asyncio.start_server(collector.serve, "127.0.0.1", 0)
    counter, fetcher = Counter("dropped", "For the test.", registry=CollectorRegistry()), Fetcher()
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/traces"
    exporter = SpanExporter(fetcher, url, {}, {}, counter)
    with capture_logs() as lines:
        for _ in range(3):
            exporter.add(b"{}")
        await exporter.stop()
    assert next(iter(counter.collect())).samples[0].value == dropped
    assert [line.get("reason") for line in lines] == ([f"status {status}"] if dropped else [])
    assert collector.asked == 1
    fetcher.close()
    server.close()
    await server.wait_closed()
