"""One client's streams leave room for everybody else's."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest
from gateway_testing.process import GatewayProcess
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Answer, Wire, ask, request

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PIECE = b"9\r\ndata: a\n\n\r\n"
CAP = 3  # of the tests' routes file


async def lasting(call: Call) -> None:
    await call.send(HEAD)
    for _ in range(100):
        await call.send(PIECE)
        await asyncio.sleep(0.1)


def user(issuer: Issuer) -> dict[str, str]:
    return {"authorization": f"Bearer {issuer.token(uuid.uuid4().hex)}"}


async def opened(gateway: GatewayProcess, headers: dict[str, str], target: str = "/api/v1/live") -> Wire:
    wire = await Wire.open(gateway.port)
    await wire.send(request("GET", target, headers))
    answer = await wire.answer(head_only=True)
    assert answer.status == 200, answer
    return wire


async def refused(gateway: GatewayProcess, headers: dict[str, str]) -> Answer:
    return await ask(gateway.port, "GET", "/api/v2/live", headers)


async def test_streams_beyond_the_cap_are_429_for_that_client_alone(
    gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    await _until_none(gateway)
    upstream.manner = lasting
    greedy, other = user(issuer), user(issuer)
    targets = ["/api/v1/live", "/api/v2/live", "/api/live"]  # one cap for all versions
    wires = [await opened(gateway, greedy, target) for target in targets]
    answer = await refused(gateway, greedy)
    assert (answer.status, answer.code) == (429, "too_many_streams")
    assert int(answer["retry-after"]) > 0
    assert len(upstream.seen) == CAP
    assert await gateway.metric("gateway_streams") == CAP
    wires.append(await opened(gateway, other))
    wires += [await opened(gateway, {}) for _ in range(CAP)]
    assert (await refused(gateway, {})).status == 429  # without a token: the address
    for wire in wires:
        wire.abort()
    await _until_none(gateway)


async def _until_none(gateway: GatewayProcess) -> None:
    async with asyncio.timeout(60):
        while await gateway.metric("gateway_streams"):
            await asyncio.sleep(0.02)


async def _ends(call: Call) -> None:
    await call.send(HEAD + PIECE + b"0\r\n\r\n")


async def _breaks(call: Call) -> None:
    await call.send(HEAD + PIECE)
    call.writer.transport.abort()


async def _falls_silent(call: Call) -> None:
    await call.send(HEAD + PIECE)
    await call.hung_up()


async def _says_nothing(call: Call) -> None:
    await call.hung_up()


async def _hangs_up(call: Call) -> None:
    call.writer.transport.abort()


async def _refuses(call: Call) -> None:
    await call.answer(404)


@pytest.mark.parametrize("manner", [_ends, _breaks, _falls_silent, _says_nothing, _hangs_up, _refuses, lasting])
async def test_a_stream_that_is_over_leaves_its_place(
    gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer, manner: Callable[[Call], Awaitable[None]]
):
    await _until_none(gateway)
    upstream.manner = manner
    one = user(issuer)
    # That of the short times where it is by one of them that the stream ends.
    path = "/api/v1/stream" if manner in (_falls_silent, _says_nothing) else "/api/v1/live"
    wires = [await Wire.open(gateway.port) for _ in range(CAP)]
    for wire in wires:
        await wire.send(request("GET", path, one))
    async with asyncio.timeout(60):
        while len(upstream.seen) < CAP:
            await asyncio.sleep(0.01)
    if manner is lasting:
        assert await gateway.metric("gateway_streams") == CAP
        for wire in wires:
            wire.abort()
    await _until_none(gateway)
    upstream.manner = lasting
    (await opened(gateway, one, path.replace("stream", "live"))).abort()
    for wire in wires:
        wire.close()
    await _until_none(gateway)
