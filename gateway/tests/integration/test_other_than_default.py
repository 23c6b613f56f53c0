"""What settings and fields of the routes file do that no other test sets to anything but their default."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import PATIENCE_SECONDS

ROUTES = """
[upstreams.named]
url = "${MAIN_URL}"
preserve_host = false

[defaults]
versions = [1, 2]
identity = "ignored"

[[routes]]
path = "/api/newest"
methods = ["GET"]
upstream = "named"
default_version = 2

[[routes]]
path = "/api/stream"
methods = ["GET"]
upstream = "named"
stream = true
"""
TEXT = b'{"name": "value"}' * 100


@pytest.fixture(scope="module")
async def other_than_default(
    running_upstream: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    file = tmp_path_factory.mktemp("routes") / "routes.toml"
    file.write_text(ROUTES)
    process = GatewayProcess(
        running_upstream.port,
        valkey.port,
        GATEWAY_ROUTES=str(file),
        METRICS_OPEN="true",
        COMPRESS="false",
        MAX_STREAMS="1",
    )
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


async def test_the_service_sees_its_own_host_and_where_the_client_went(
    other_than_default: GatewayProcess, upstream: RawUpstream
):
    assert (await ask(other_than_default.port, "GET", "/api/v1/newest")).status == 200
    assert upstream.seen[0].all("host") == [f"127.0.0.1:{upstream.port}"]
    assert upstream.seen[0].get("x-forwarded-host") == "gateway.test"


async def test_who_names_no_version_gets_the_default_one(other_than_default: GatewayProcess, upstream: RawUpstream):
    answer = await ask(other_than_default.port, "GET", "/api/newest")
    assert (answer["api-version"], upstream.seen[0].target) == ("2", "/api/v2/newest")


async def test_nothing_is_compressed(other_than_default: GatewayProcess, upstream: RawUpstream):
    async def says(call: Call) -> None:
        await call.answer(200, TEXT, ("content-type", "application/json"))

    upstream.manner = says
    answer = await ask(other_than_default.port, "GET", "/api/newest", {"accept-encoding": "gzip, br, zstd"})
    assert (answer.get("content-encoding"), answer.body) == (None, TEXT)


async def test_metrics_are_for_everybody(other_than_default: GatewayProcess):
    outside = {"x-forwarded-for": "203.0.113.7"}
    assert (await ask(other_than_default.port, "GET", "/metrics", outside)).status == 200


async def test_streams_beyond_those_of_the_process_are_503(other_than_default: GatewayProcess, upstream: RawUpstream):
    async def lasts(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        await call.hung_up()

    upstream.manner = lasts
    wire = await Wire.open(other_than_default.port)
    await wire.send(request("GET", "/api/v1/stream"))
    assert (await wire.answer(head_only=True)).status == 200
    assert await other_than_default.metric("gateway_streams") == 1
    more = await ask(other_than_default.port, "GET", "/api/v1/stream")
    assert (more.status, more.code, more["retry-after"]) == (503, "too_many_streams", "5")
    assert await other_than_default.metric("gateway_refusals_total", code="too_many_streams") == 1
    wire.close()

    async def over() -> None:
        while await other_than_default.metric("gateway_streams"):
            await asyncio.sleep(0.02)

    await asyncio.wait_for(over(), PATIENCE_SECONDS)
