"""TRAPS, Gateway: forwarding 1 and 2: what is sent again, where, and what is not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import Call, Manner, RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import eventually

KEY = {"idempotency-key": "k"}


@pytest.fixture(scope="module")
async def retrying(
    running_upstream: RawUpstream, running_other: RawUpstream, valkey: Valkey
) -> AsyncIterator[GatewayProcess]:
    process = GatewayProcess(
        running_upstream.port,
        valkey.port,
        GATEWAY_ROUTES=str(Path(__file__).parent / "attempts.toml"),
        SECOND_URL=f"http://127.0.0.1:{running_other.port}",
    )
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


def at_first(count: int, trouble: Manner) -> Manner:
    """``trouble`` for the first requests, then an answer."""
    left = count

    async def manner(call: Call) -> None:
        nonlocal left
        await call.read_body()
        left -= 1
        if left >= 0:
            await trouble(call)
        else:
            await call.answer(200, b"at last")

    return manner


async def resets(call: Call) -> None:
    call.writer.transport.abort()


async def hangs(call: Call) -> None:
    await call.hung_up()


def answers(status: int, *headers: tuple[str, str]) -> Manner:
    async def manner(call: Call) -> None:
        await call.answer(status, b"trouble", *headers)

    return manner


TROUBLES = {
    "reset": [resets],
    "status": [answers(502), answers(503), answers(504)],
    "late": [hangs],
}


@pytest.mark.parametrize(
    ("reason", "trouble"), [(reason, trouble) for reason, troubles in TROUBLES.items() for trouble in troubles]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_what_is_safe_is_tried_until_it_is_answered(
    retrying: GatewayProcess,
    upstream: RawUpstream,
    reason: str,
    trouble: Manner,
    method: str,
):
    before = await retrying.metric("gateway_further_attempts_total", upstream="one", reason=reason)
    upstream.manner = at_first(2, trouble)
    headers, body = (KEY, b"body") if method == "POST" else ({}, None)
    query = f"{reason}={id(trouble)}"
    path = "/again/late" if trouble is hangs else "/again"
    answer = await ask(retrying.port, method, f"{path}?{query}", headers, body)
    assert (answer.status, answer.body) == (200, b"at last")
    if trouble is hangs:
        # So many at least: an answer of ours that comes too late is one more.
        assert len(upstream.seen) >= 3
        assert {seen.body for seen in upstream.seen} == {body or b""}
        assert await retrying.metric("gateway_further_attempts_total", upstream="one", reason=reason) > before
        return
    # The first of three may have found a connection that the test before it broke.
    assert [seen.body for seen in upstream.seen] == [body or b""] * 3
    assert await retrying.metric("gateway_further_attempts_total", upstream="one", reason=reason) - before in (1, 2)
    assert (await retrying.logged(query=query, method=method))["retried"] is True


async def test_the_last_attempts_answer_is_the_clients(retrying: GatewayProcess, upstream: RawUpstream):
    upstream.manner = at_first(9, answers(503, ("x-from", "service")))
    answer = await ask(retrying.port, "GET", "/again")
    assert (answer.status, answer.body, answer["x-from"]) == (503, b"trouble", "service")
    assert len(upstream.seen) == 3


async def test_trap_2_a_post_without_a_key_is_sent_once_whatever_the_route_asks(
    retrying: GatewayProcess, upstream: RawUpstream
):
    for trouble, status in ((resets, 502), (answers(503), 503), (hangs, 504)):
        upstream.seen.clear()
        upstream.manner = at_first(9, trouble)
        answer = await ask(retrying.port, "POST", "/again/late" if trouble is hangs else "/again", body=b"x")
        await eventually(lambda: upstream.seen)
        assert (answer.status, len(upstream.seen)) == (status, 1)


async def test_a_body_too_large_to_be_kept_is_sent_once(retrying: GatewayProcess, upstream: RawUpstream):
    upstream.manner = at_first(9, answers(503))
    for size, times in ((65_536, 3), (65_537, 1)):
        upstream.seen.clear()
        answer = await ask(retrying.port, "POST", "/again", KEY, b"x" * size)
        assert answer.status == 503
        assert [len(seen.body) for seen in upstream.seen] == [size] * times


async def test_an_answer_that_has_begun_is_never_replaced(retrying: GatewayProcess, upstream: RawUpstream):
    async def breaks(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")
        call.writer.close()

    upstream.manner = breaks
    with pytest.raises(ConnectionError):
        await ask(retrying.port, "GET", "/again")
    assert len(upstream.seen) == 1


async def test_an_unwanted_answer_leaves_its_connection_for_the_next(retrying: GatewayProcess, upstream: RawUpstream):
    await ask(retrying.port, "GET", "/plain")
    before = upstream.connections
    upstream.manner = at_first(1, answers(503))
    assert (await ask(retrying.port, "GET", "/again")).status == 200
    assert (upstream.connections, len(upstream.seen)) == (before, 3)


@pytest.mark.parametrize(("retry_after", "seen", "status"), [("0", 2, 200), ("1", 2, 200), ("30", 1, 503)])
async def test_a_small_retry_after_is_waited_for(
    retrying: GatewayProcess, upstream: RawUpstream, retry_after: str, seen: int, status: int
):
    upstream.manner = at_first(1, answers(503, ("retry-after", retry_after)))
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = await ask(retrying.port, "GET", "/again")
    assert (answer.status, len(upstream.seen)) == (status, seen)
    if status == 200:
        # A loop's clock is a few milliseconds old when it sets the timer.
        assert loop.time() - started > int(retry_after) - 0.05
    else:
        assert answer["retry-after"] == "30"


async def test_no_attempt_that_would_begin_after_the_deadline(retrying: GatewayProcess, upstream: RawUpstream):
    upstream.manner = at_first(9, answers(503, ("retry-after", "2")))
    answer = await ask(retrying.port, "GET", "/again/short")
    assert (answer.status, len(upstream.seen)) == (503, 1)
    refused = await retrying.metric("gateway_further_attempts_refused_total", upstream="one", reason="deadline")
    assert refused == 1


async def test_the_second_attempt_goes_to_another_target(
    retrying: GatewayProcess, upstream: RawUpstream, other: RawUpstream
):
    for trouble in (resets, answers(503)):
        upstream.manner = at_first(99, trouble)
        answered = await asyncio.gather(*(ask(retrying.port, "GET", "/again/pair") for _ in range(6)))
        assert [answer.status for answer in answered] == [200] * 6
    assert len(other.seen) == 12


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", b"x" * 100_000)])
async def test_what_was_never_sent_goes_to_another_target_whatever_the_method(
    retrying: GatewayProcess, upstream: RawUpstream, method: str, body: bytes | None
):
    for _ in range(4):
        upstream.seen.clear()
        answer = await ask(retrying.port, method, "/plain/half", body=body)
        assert (answer.status, len(upstream.seen)) == (200, 1)
        assert upstream.seen[0].body == (body or b"")


async def test_a_route_may_ask_a_lone_target_that_refuses_again(retrying: GatewayProcess):
    answer = await ask(retrying.port, "GET", "/again/dead")
    assert (answer.status, answer.code) == (502, "bad_gateway")
    assert await retrying.metric("gateway_further_attempts_total", upstream="dead", reason="connect") == 2


async def test_a_hang_up_during_the_pause_ends_it(retrying: GatewayProcess, upstream: RawUpstream):
    upstream.manner = at_first(9, answers(503, ("retry-after", "1")))
    wire = await Wire.open(retrying.port)
    await wire.send(request("GET", "/again?gone=1"))
    while not upstream.seen:
        await asyncio.sleep(0.01)
    wire.close()
    assert (await retrying.logged(query="gone=1"))["status"] == 499
    # Longer than the pause was to be.
    await asyncio.sleep(1.2)
    assert len(upstream.seen) == 1


async def test_trap_2_retries_end_with_their_budget(retrying: GatewayProcess, upstream: RawUpstream):
    """Last in the file: it spends the budget of the upstream."""
    upstream.manner = at_first(10_000, answers(503))
    for _ in range(3):
        await asyncio.gather(*(ask(retrying.port, "GET", "/again") for _ in range(40)))
    # Three times as many without a budget; its reserve is 64, and a fifth of the requests comes on top.
    assert len(upstream.seen) <= 120 + 64 + 24
    assert await retrying.metric("gateway_further_attempts_refused_total", upstream="one", reason="budget") > 0
