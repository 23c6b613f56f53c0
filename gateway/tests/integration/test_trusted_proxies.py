"""TRAPS, Rate limiting 7 and Gateway 8: behind a proxy we list, the client is who the proxy says."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import ask


@pytest.fixture(scope="module")
async def behind_a_proxy(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    process = GatewayProcess(running_upstream.port, valkey.port, TRUSTED_PROXIES="127.0.0.0/8, 10.0.0.0/8")
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


async def test_the_rightmost_stranger_is_the_client(behind_a_proxy: GatewayProcess, upstream: RawUpstream):
    chain = {"x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.0.0.1", "x-forwarded-proto": "https"}
    assert (await ask(behind_a_proxy.port, "GET", "/api/v1/things?trusted=1", chain)).status == 200
    seen = upstream.seen[0]
    assert seen.get("x-forwarded-for") == "6.6.6.6, 203.0.113.9, 10.0.0.1, 127.0.0.1"
    assert seen.get("x-forwarded-proto") == "https"
    assert (await behind_a_proxy.logged(query="trusted=1"))["client"] == "203.0.113.9"


async def test_each_client_has_its_own_quota_and_ipv6_counts_by_64(behind_a_proxy: GatewayProcess):
    async def left(address: str) -> int:
        answer = await ask(behind_a_proxy.port, "GET", "/api/v1/limited/many", {"x-forwarded-for": address})
        return int(answer["x-ratelimit-remaining"])

    assert [await left("198.51.100.1"), await left("198.51.100.1"), await left("198.51.100.2")] == [99, 98, 99]
    assert [await left("2001:db8:1:2::1"), await left("2001:db8:1:2:ffff::9"), await left("2001:db8:1:3::1")] == [
        99,
        98,
        99,
    ]


async def test_metrics_are_for_the_inside(behind_a_proxy: GatewayProcess, gateway: GatewayProcess):
    assert (await ask(behind_a_proxy.port, "GET", "/metrics")).status == 200
    assert (await ask(behind_a_proxy.port, "GET", "/metrics", {"x-forwarded-for": "10.9.9.9"})).status == 200
    outside = await ask(behind_a_proxy.port, "GET", "/metrics", {"x-forwarded-for": "203.0.113.9"})
    assert (outside.status, outside.code) == (403, "forbidden")
    # A proxy we do not list passed it on: its own address says nothing about the client.
    unlisted = await ask(gateway.port, "GET", "/metrics", {"x-forwarded-for": "127.0.0.1"})
    assert unlisted.status == 403


@pytest.mark.parametrize(
    "header",
    [
        "via",
        "x-real-ip",
        "forwarded",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-port",
        "x-client-ip",
        "cf-connecting-ip",
    ],
)
async def test_metrics_are_closed_behind_any_proxy_that_does_not_say_for_whom(
    behind_a_proxy: GatewayProcess, gateway: GatewayProcess, header: str
):
    for process in (gateway, behind_a_proxy):
        assert (await ask(process.port, "GET", "/metrics", {header: "10.0.0.1"})).status == 403
    said = {header: "10.0.0.1", "x-forwarded-for": "10.9.9.9"}
    assert (await ask(behind_a_proxy.port, "GET", "/metrics", said)).status == 200
