"""What a service learns of the time that is left (X-Request-Timeout-Ms)."""

import asyncio
import time

from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Wire, ask

NAME = "x-request-timeout-ms"


async def test_a_service_learns_how_long_its_answer_is_waited_for(gateway: GatewayProcess, upstream: RawUpstream):
    for path, told in (("/api/v1/things", "15000"), ("/api/v1/timed", "20000"), ("/api/v1/live", "20000")):
        upstream.seen.clear()
        assert (await ask(gateway.port, "GET", path)).status == 200
        assert upstream.seen[0].all(NAME) == [told]


async def test_a_clients_own_is_not_passed_on(gateway: GatewayProcess, upstream: RawUpstream):
    assert (await ask(gateway.port, "GET", "/api/v1/timed", {NAME: "99999999"})).status == 200
    assert upstream.seen[0].all(NAME) == ["20000"]


async def test_time_that_is_spent_before_is_gone(gateway: GatewayProcess, upstream: RawUpstream):
    before = await gateway.metric("gateway_requests_in_flight")
    wire = await Wire.open(gateway.port)
    await wire.send(b"POST /api/v1/timed/whole HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\na")
    while await gateway.metric("gateway_requests_in_flight") <= before:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    await asyncio.sleep(0.3)
    spent = time.monotonic() - began
    await wire.send(b"b")
    assert (await wire.answer()).status == 200
    # The first byte may take as long as all: 30 s, of which so much is gone.
    assert 0 < int(upstream.seen[0].get(NAME) or 0) <= 30_000 - spent * 1000


async def test_while_a_body_still_comes_only_the_total_counts(gateway: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gateway.port)
    await wire.send(b"POST /api/v1/upload HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n" + b"x" * 70_000)
    while not upstream.seen:
        await asyncio.sleep(0.01)
    await wire.send(b"x" * 30_000)
    assert (await wire.answer()).status == 200
    assert 50_000 < int(upstream.seen[0].get(NAME) or 0) <= 60_000
