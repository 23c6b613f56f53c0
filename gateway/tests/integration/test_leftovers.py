"""What a service sends after the end of an answer never becomes another client's answer (TRAPS, forwarding 9, 10)."""

import asyncio

import pytest
from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

POISON = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nx-evil: 1\r\n\r\nPOISON!"
STATED = b"content-length: %d\r\n\r\n" % len(POISON)

HEADS = {
    "HEAD": ("HEAD", b"HTTP/1.1 200 OK\r\n" + STATED),
    "HEAD, chunked": ("HEAD", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n"),
    "HEAD without a length": ("HEAD", b"HTTP/1.1 200 OK\r\n\r\n"),
    "204": ("GET", b"HTTP/1.1 204 No Content\r\n" + STATED),
    "304": ("GET", b"HTTP/1.1 304 Not Modified\r\n" + STATED),
}


@pytest.mark.parametrize(("method", "head"), HEADS.values(), ids=HEADS.keys())
async def test_a_body_that_follows_late_where_there_is_none_is_nobodys_answer(
    gateway: GatewayProcess, upstream: RawUpstream, method: str, head: bytes
):
    async def answers(call: Call) -> None:
        if "victim" in call.seen.target:
            await call.answer(200, b"good")
            return
        await call.send(head)
        # By then the victim's request waits on this connection, if it was kept.
        await asyncio.sleep(0.15)
        await call.send(POISON)

    upstream.manner = answers
    wire = await Wire.open(gateway.port)
    await wire.send(request(method, "/api/v1/things"))
    await wire.answer(head_only=True)
    victim = await ask(gateway.port, "GET", "/api/v1/things?victim")
    assert (victim.status, victim.body, victim.get("x-evil")) == (200, b"good", None)


async def test_a_204_and_a_304_without_a_body_keep_the_connection(gateway: GatewayProcess, upstream: RawUpstream):
    async def answers(call: Call) -> None:
        await call.answer(int(call.seen.target.rpartition("=")[2]), b"")

    upstream.manner = answers
    wire = await Wire.open(gateway.port)
    connections = upstream.connections
    for status in (204, 304, 204, 304):
        await wire.send(request("GET", f"/api/v1/things?s={status}"))
        assert (await wire.answer()).status == status
    assert upstream.connections - connections <= 1
