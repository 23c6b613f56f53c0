"""A second attempt beside a slow first one: one answer to the client, and the loser is hung up on."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import Call, Manner, RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import PATIENCE_SECONDS


@pytest.fixture(scope="module")
async def hedging(
    running_upstream: RawUpstream, running_other: RawUpstream, valkey: Valkey
) -> AsyncIterator[GatewayProcess]:
    process = GatewayProcess(
        running_upstream.port,
        valkey.port,
        GATEWAY_ROUTES=str(Path(__file__).parent / "attempts.toml"),
        SECOND_URL=f"http://127.0.0.1:{running_other.port}",
        CLIENT_SHARE="0.5",
    )
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


class Race:
    """Whichever target is asked first, and whichever second, has a manner of its own."""

    def __init__(self, first: Manner, second: Manner) -> None:
        self._manners = [first, second]
        self.asked = 0

    async def __call__(self, call: Call) -> None:
        self.asked += 1
        await self._manners[self.asked - 1](call)


def race(upstream: RawUpstream, other: RawUpstream, first: Manner, second: Manner) -> Race:
    upstream.manner = other.manner = both = Race(first, second)
    return both


async def quick(call: Call) -> None:
    await call.answer(200, b"quick")


async def troubled(call: Call) -> None:
    await call.answer(503, b"trouble")


async def resets(call: Call) -> None:
    call.writer.transport.abort()


class Slow:
    """Answers when told to; says whether it was hung up on before."""

    def __init__(self) -> None:
        self.go, self.hung_up = asyncio.Event(), asyncio.Event()

    async def __call__(self, call: Call) -> None:
        gone = asyncio.ensure_future(call.hung_up())
        told = asyncio.ensure_future(self.go.wait())
        await asyncio.wait({gone, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if gone.done() and gone.result():
            self.hung_up.set()
            return
        gone.cancel()
        await call.answer(200, b"slow")


async def test_the_second_attempt_answers_and_the_first_is_hung_up_on(
    hedging: GatewayProcess, upstream: RawUpstream, other: RawUpstream
):
    slow = Slow()
    both = race(upstream, other, slow, quick)
    won = await hedging.metric("gateway_hedges_total", route="/hedged", outcome="won")
    answer = await ask(hedging.port, "GET", "/hedged")
    assert (answer.status, answer.body, both.asked) == (200, b"quick", 2)
    await asyncio.wait_for(slow.hung_up.wait(), PATIENCE_SECONDS)
    assert {len(upstream.seen), len(other.seen)} == {1}, "another target, where there is one"
    assert await hedging.metric("gateway_hedges_total", route="/hedged", outcome="won") == won + 1
    assert await hedging.metric("gateway_further_attempts_total", upstream="pair", reason="hedge") >= 1


async def test_the_first_may_still_answer_and_the_second_is_hung_up_on(
    hedging: GatewayProcess, upstream: RawUpstream, other: RawUpstream
):
    slow, slower = Slow(), Slow()
    both = race(upstream, other, slow, slower)
    lost = await hedging.metric("gateway_hedges_total", route="/hedged", outcome="lost")
    asked = asyncio.create_task(ask(hedging.port, "GET", "/hedged"))
    while both.asked < 2:
        await asyncio.sleep(0.01)
    slow.go.set()
    answer = await asked
    assert (answer.status, answer.body) == (200, b"slow")
    await asyncio.wait_for(slower.hung_up.wait(), PATIENCE_SECONDS)
    assert await hedging.metric("gateway_hedges_total", route="/hedged", outcome="lost") == lost + 1


@pytest.mark.parametrize("trouble", [troubled, resets])
async def test_trouble_of_the_second_waits_for_the_first(
    hedging: GatewayProcess, upstream: RawUpstream, other: RawUpstream, trouble: Manner
):
    slow = Slow()
    both = race(upstream, other, slow, trouble)
    failed = await hedging.metric("gateway_hedges_total", route="/hedged", outcome="failed")
    asked = asyncio.create_task(ask(hedging.port, "GET", "/hedged"))
    while await hedging.metric("gateway_hedges_total", route="/hedged", outcome="failed") == failed:
        await asyncio.sleep(0.01)
    slow.go.set()
    answer = await asked
    assert (answer.status, answer.body, both.asked) == (200, b"slow", 2)


async def test_trouble_of_the_first_waits_for_the_second(
    hedging: GatewayProcess, upstream: RawUpstream, other: RawUpstream
):
    slow = Slow()

    async def breaks_when_both_are_asked(call: Call) -> None:
        while both.asked < 2:
            await asyncio.sleep(0.01)
        await resets(call)

    both = race(upstream, other, breaks_when_both_are_asked, slow)
    asked = asyncio.create_task(ask(hedging.port, "GET", "/hedged"))
    while await hedging.metric("gateway_hedges_total", route="/hedged", outcome="saved") == 0:
        await asyncio.sleep(0.01)
    slow.go.set()
    answer = await asked
    assert (answer.status, answer.body, both.asked) == (200, b"slow", 2)


async def test_when_both_are_late_it_is_504_once(hedging: GatewayProcess, upstream: RawUpstream, other: RawUpstream):
    slow, slower = Slow(), Slow()
    race(upstream, other, slow, slower)
    answer = await ask(hedging.port, "GET", "/hedged/late?late=1")
    assert (answer.status, answer.code) == (504, "gateway_timeout")
    await asyncio.wait_for(asyncio.gather(slow.hung_up.wait(), slower.hung_up.wait()), PATIENCE_SECONDS)
    assert (await hedging.logged(query="late=1"))["status"] == 504
    assert hedging.times_logged(query="late=1") == 1


async def test_a_client_that_hangs_up_ends_both(hedging: GatewayProcess, upstream: RawUpstream, other: RawUpstream):
    slow, slower = Slow(), Slow()
    both = race(upstream, other, slow, slower)
    wire = await Wire.open(hedging.port)
    await wire.send(request("GET", "/hedged?gone=1"))
    while both.asked < 2:
        await asyncio.sleep(0.01)
    wire.close()
    await asyncio.wait_for(asyncio.gather(slow.hung_up.wait(), slower.hung_up.wait()), PATIENCE_SECONDS)
    assert (await hedging.logged(query="gone=1"))["status"] == 499


async def test_a_post_is_not_hedged(hedging: GatewayProcess, upstream: RawUpstream, other: RawUpstream):
    async def late(call: Call) -> None:
        await call.read_body()
        await asyncio.sleep(0.2)
        await call.answer(201, b"made")

    both = race(upstream, other, late, quick)
    answer = await ask(hedging.port, "POST", "/hedged", {"idempotency-key": "k"}, b"x")
    assert (answer.status, both.asked) == (201, 1)


async def test_a_hedge_keeps_within_the_clients_share(
    hedging: GatewayProcess, upstream: RawUpstream, other: RawUpstream
):
    """Half of eight connections: four slow requests of one client leave no room for a fifth attempt of its own."""
    slow = Slow()
    upstream.manner = other.manner = slow
    asked = [asyncio.create_task(ask(hedging.port, "GET", "/hedged/few")) for _ in range(4)]
    while await hedging.metric("gateway_hedges_total", route="/hedged/few", outcome="share") < 4:
        await asyncio.sleep(0.01)
    assert len(upstream.seen) + len(other.seen) == 4
    slow.go.set()
    assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 4


async def test_without_a_time_it_learns_the_p95(hedging: GatewayProcess, upstream: RawUpstream, other: RawUpstream):
    upstream.manner = other.manner = quick
    for _ in range(32):
        assert (await ask(hedging.port, "GET", "/hedged/learns")).status == 200
    slow = Slow()
    both = race(upstream, other, slow, quick)
    answer = await ask(hedging.port, "GET", "/hedged/learns")
    assert (answer.status, answer.body, both.asked) == (200, b"quick", 2)
