"""What a service learns of the time that is left (X-Request-Timeout-Ms)."""

import asyncio

from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Wire, ask

NAME = "x-request-timeout-ms"


async def test_a_service_learns_how_long_its_answer_is_waited_for(gateway: GatewayProcess, upstream: RawUpstream):
    for path, told in (("/api/v1/things", "15000"), ("/api/v1/slow", "1000"), ("/api/v1/stream", "1000")):
        upstream.seen.clear()
        assert (await ask(gateway.port, "GET", path)).status == 200
        assert upstream.seen[0].all(NAME) == [told]


async def test_a_clients_own_is_not_passed_on(gateway: GatewayProcess, upstream: RawUpstream):
    assert (await ask(gateway.port, "GET", "/api/v1/slow", {NAME: "99999999"})).status == 200
    assert upstream.seen[0].all(NAME) == ["1000"]


async def test_time_that_is_spent_before_is_gone(gateway: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gateway.port)
    await wire.send(b"POST /api/v1/slow HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\na")
    # Of 3 s in all; what is left is less than the second for the first byte.
    for _ in range(3):
        await asyncio.sleep(0.75)
        await wire.send(b"b")
    assert (await wire.answer()).status == 200
    assert 0 < int(upstream.seen[0].get(NAME) or 0) <= 800


async def test_while_a_body_still_comes_only_the_total_counts(gateway: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gateway.port)
    await wire.send(b"POST /api/v1/upload HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n" + b"x" * 70_000)
    while not upstream.seen:
        await asyncio.sleep(0.01)
    await wire.send(b"x" * 30_000)
    assert (await wire.answer()).status == 200
    assert 50_000 < int(upstream.seen[0].get(NAME) or 0) <= 60_000
