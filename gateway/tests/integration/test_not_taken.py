"""A service that drains ends an idle connection by a 408: a request that crossed it was not taken, and goes again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import Call, Manner, RawUpstream
from gateway_testing.wire import ask

DRAINED = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


@pytest.fixture(scope="module")
async def plain(
    running_upstream: RawUpstream, running_other: RawUpstream, valkey: Valkey
) -> AsyncIterator[GatewayProcess]:
    routes = str(Path(__file__).parent / "attempts.toml")
    other = f"http://127.0.0.1:{running_other.port}"
    process = GatewayProcess(running_upstream.port, valkey.port, GATEWAY_ROUTES=routes, SECOND_URL=other)
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


def drained(times: int) -> Manner:
    left = times

    async def manner(call: Call) -> None:
        nonlocal left
        await call.read_body()
        left -= 1
        if left >= 0:
            await call.send(DRAINED)
            call.writer.close()
        else:
            await call.answer(200, b"taken")

    return manner


@pytest.mark.parametrize("body", [b"x", b"x" * 65_536, None], ids=["small", "as large as is kept", "none"])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_post_without_a_key_goes_again(
    plain: GatewayProcess, upstream: RawUpstream, body: bytes | None, times: int
):
    upstream.manner = drained(times)
    answer = await ask(plain.port, "POST", "/plain", body=body)
    assert (answer.status, answer.body) == (200, b"taken")
    assert [seen.body for seen in upstream.seen] == [body or b""] * (times + 1)


async def test_it_does_not_go_for_ever(plain: GatewayProcess, upstream: RawUpstream):
    upstream.manner = drained(99)
    answer = await ask(plain.port, "POST", "/plain", body=b"x")
    assert (answer.status, len(upstream.seen)) == (408, 4)


async def test_a_body_that_is_not_here_any_more_does_not_go_again(plain: GatewayProcess, upstream: RawUpstream):
    upstream.manner = drained(1)
    answer = await ask(plain.port, "POST", "/plain", body=b"x" * 65_537)
    assert (answer.status, len(upstream.seen)) == (408, 1)


async def test_a_408_on_a_connection_that_stays_is_the_services_own(plain: GatewayProcess, upstream: RawUpstream):
    async def slow(call: Call) -> None:
        await call.read_body()
        await call.answer(408, b"too slow")

    upstream.manner = slow
    answer = await ask(plain.port, "POST", "/plain", body=b"x")
    assert (answer.status, answer.body, len(upstream.seen)) == (408, b"too slow", 1)
