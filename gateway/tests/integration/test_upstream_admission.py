"""What an upstream lets in at all: breaker, limit with priorities, number of streams (TRAPS, forwarding 14: 503)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from gateway_testing.places import Places, started
from gateway_testing.process import Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, Manner, RawUpstream, echo
from gateway_testing.wire import Answer, Wire, ask, request


@pytest.fixture(scope="module")
async def running(issuer: Issuer, running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[Places]:
    places = await started(issuer, running_upstream.port, valkey.port)
    yield places
    await asyncio.to_thread(places.gateway.stop)
    await places.one.stop()
    await places.two.stop()


@pytest.fixture
async def places(running: Places) -> AsyncIterator[Places]:
    running.one.reset()
    yield running
    running.one.reset()


async def unavailable(call: Call) -> None:
    await call.answer(503, b"", ("retry-after", "7"))


def own(answer: Answer, code: str) -> bool:
    """Whether the gateway refused it by itself, with this code."""
    return answer.status == 503 and answer.get("content-type") == "application/problem+json" and answer.code == code


async def breaker(places: Places) -> str:
    for state in ("closed", "open", "half_open"):
        if await places.gateway.metric("gateway_upstream_breaker", upstream="broken", state=state):
            return state
    raise AssertionError


async def test_the_breaker_opens_probes_and_closes(places: Places):
    places.one.manner = unavailable
    answers = await places.get("/broken", 8)
    assert [own(answer, "circuit_open") for answer in answers] == [False] * 4 + [True] * 4
    assert all(int(answer["retry-after"]) >= 1 for answer in answers[4:])
    assert len(places.one.seen) == 4
    assert await breaker(places) == "open"

    async def passes() -> bool:
        return not own((await places.get("/broken"))[0], "circuit_open")

    # A probe that fails opens it again.
    await places.until(passes)
    assert len(places.one.seen) == 5
    assert await breaker(places) == "open"
    assert await places.gateway.metric("gateway_upstream_breaker_opened_total", upstream="broken") == 2
    # Probes that succeed close it.
    places.one.manner = echo
    await places.until(passes)
    assert await breaker(places) == "half_open"
    assert {answer.status for answer in await places.get("/broken", 10)} == {200}
    assert await breaker(places) == "closed"


async def test_only_so_many_probes_go_at_a_time(places: Places):
    places.one.manner = unavailable

    async def opened() -> bool:
        return own((await places.get("/broken"))[0], "circuit_open")

    await places.until(opened)
    places.one.seen.clear()
    release, places.one.manner = holding()
    probes: list[asyncio.Task[Answer]] = []

    async def probing() -> bool:
        if len(places.one.seen) < 2:
            probes.append(asyncio.create_task(ask(places.gateway.port, "GET", "/broken")))
        return len(places.one.seen) >= 2

    await places.until(probing)
    assert await opened()
    assert len(places.one.seen) == 2
    release.set()
    statuses = [answer.status for answer in await asyncio.gather(*probes)]
    assert statuses.count(200) == 2
    assert await breaker(places) == "closed"


def holding() -> tuple[asyncio.Event, Manner]:
    """A manner that answers once the event is set."""
    release = asyncio.Event()

    async def held(call: Call) -> None:
        await release.wait()
        await echo(call)

    return release, held


async def test_the_low_priority_is_shed_first(places: Places):
    """Of ten places the low ones may fill seven, the normal ones nine, the high ones all."""
    release, places.one.manner = holding()
    port, waiting = places.gateway.port, []

    async def fill(priority: str, until: int) -> Answer:
        while len(places.one.seen) < until:
            waiting.append(asyncio.create_task(ask(port, "GET", f"/busy/{priority}")))
            await places.until(lambda: asyncio.sleep(0, len(places.one.seen) == len(waiting)))
        return await ask(port, "GET", f"/busy/{priority}")

    for priority, until in (("low", 7), ("normal", 9), ("high", 10)):
        answer = await fill(priority, until)
        assert own(answer, "overloaded"), priority
        assert answer["retry-after"] == "1"
        shed = await places.gateway.metric("gateway_upstream_shed_total", upstream="busy", priority=priority)
        assert shed == 1
    assert await places.gateway.metric("gateway_upstream_in_flight", upstream="busy") == 10
    assert await places.gateway.metric("gateway_upstream_concurrency_limit", upstream="busy") == 10

    async def told() -> bool:
        return await places.gateway.metric("gateway_overload_level") > 0

    await places.until(told)
    release.set()
    assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}
    assert await places.gateway.metric("gateway_upstream_in_flight", upstream="busy") == 0
    assert {answer.status for answer in await places.get("/busy/low", 3)} == {200}


async def test_a_place_is_given_back_by_who_hangs_up(places: Places):
    release, places.one.manner = holding()
    wires = [await Wire.open(places.gateway.port) for _ in range(5)]
    for wire in wires:
        await wire.send(request("GET", "/busy/high"))

    async def in_flight(number: int) -> bool:
        return await places.gateway.metric("gateway_upstream_in_flight", upstream="busy") == number

    await places.until(lambda: in_flight(5))
    for wire in wires:
        wire.abort()
    await places.until(lambda: in_flight(0))
    release.set()


async def test_streams_leave_connections_to_the_others(places: Places):
    async def lasting(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        await call.hung_up()

    places.one.manner = lasting
    wires = [await Wire.open(places.gateway.port) for _ in range(2)]
    for wire in wires:
        await wire.send(request("GET", "/streaming"))
        assert (await wire.answer(head_only=True)).status == 200
    answer = await ask(places.gateway.port, "GET", "/streaming")
    assert own(answer, "upstream_busy")
    assert int(answer["retry-after"]) >= 1
    wires.pop().abort()

    async def room() -> bool:
        return await places.gateway.metric("gateway_upstream_streams", upstream="streaming") == 1

    await places.until(room)
    wires.append(await Wire.open(places.gateway.port))
    await wires[-1].send(request("GET", "/streaming"))
    assert (await wires[-1].answer(head_only=True)).status == 200
    for wire in wires:
        wire.abort()
