"""A service at several places: who gets requests, who gets none, and that no client notices."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from gateway_testing.places import Places, started
from gateway_testing.process import Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import ask

from shared.testing.waiting import eventually


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
    running.two.reset()
    yield running
    running.one.reset()
    running.two.reset()


def asked(places: Places) -> tuple[int, int]:
    return len(places.one.seen), len(places.two.seen)


async def test_each_target_gets_its_part(places: Places):
    answers = await places.get("/weighted", 40)
    assert {answer.status for answer in answers} == {200}
    assert asked(places) == (30, 10)


async def test_a_target_that_dies_is_ejected_unnoticed_and_comes_back_slowly(places: Places):
    """No request fails: the first ones are sent to the other target, and after the ejection none meets the dead one."""
    gateway, names = places.gateway, {"upstream": "dying", "target": places.target(places.two)}
    await places.get("/dying", 10)
    assert min(asked(places)) >= 4
    await places.two.die()
    for method in ("GET", "POST"):
        assert {answer.status for answer in await places.get("/dying", 10, method)} == {200}
    assert await gateway.metric("gateway_target_ejections_total", **names) >= 1
    assert await gateway.metric("gateway_target_attempts_total", outcome="unreachable", **names) >= 2
    together = await asyncio.gather(*(ask(gateway.port, "GET", "/dying") for _ in range(40)))
    assert {answer.status for answer in together} == {200}
    await places.two.come_back()
    places.two.seen.clear()

    async def returned() -> bool:
        return await gateway.metric("gateway_target_usable", **names) == 1

    async def has_all_of_its_part() -> bool:
        await places.get("/dying", 4)
        return await gateway.metric("gateway_target_weight", **names) == 1

    await places.until(returned)
    assert await gateway.metric("gateway_target_weight", **names) < 1
    await places.until(has_all_of_its_part)
    assert places.two.seen


async def test_a_target_that_answers_with_errors_is_ejected(places: Places):
    async def fails(call: Call) -> None:
        await call.answer(500)

    places.two.manner = fails
    statuses = [answer.status for answer in await places.get("/failing", 30)]
    assert statuses.count(500) == 3
    assert statuses[10:] == [200] * 20


async def test_a_target_that_hangs_is_ejected(places: Places):
    async def hangs(call: Call) -> None:
        await call.hung_up()

    places.two.manner = hangs
    statuses = [answer.status for answer in await places.get("/hanging", 12)]
    gateway, names = places.gateway, {"upstream": "hanging", "target": places.target(places.two)}
    assert await gateway.metric("gateway_target_attempts_total", outcome="late", **names) == 2
    # The other answers, on a slow machine too late as well; none but two meet the one that hangs.
    its = {"upstream": "hanging", "target": places.target(places.one)}
    late = 2 + await gateway.metric("gateway_target_attempts_total", outcome="late", **its)
    assert (statuses.count(200), statuses.count(504)) == (12 - late, late)
    await eventually(lambda: len(places.two.seen), 2)
    assert await gateway.metric("gateway_target_outstanding", **names) == 0


async def test_a_target_whose_check_fails_is_out_before_a_request_meets_it(places: Places):
    gateway, names = places.gateway, {"upstream": "checked", "target": places.target(places.two)}

    async def out() -> bool:
        return await gateway.metric("gateway_target_usable", **names) == 0

    async def back() -> bool:
        return await gateway.metric("gateway_target_usable", **names) == 1

    await places.until(back)
    places.two.health_status = 503
    await places.until(out)
    await places.get("/checked", 10)
    assert asked(places) == (10, 0)
    places.two.health_status = 200
    await places.until(back)
    await places.get("/checked", 10)
    assert asked(places) == (15, 5)


async def test_when_too_few_are_left_all_are_used(places: Places):
    gateway = places.gateway
    places.one.health_status = places.two.health_status = 503

    async def panicking() -> bool:
        return await gateway.metric("gateway_upstream_panicking", upstream="checked") == 1

    async def calm() -> bool:
        return not await panicking()

    await places.until(panicking)
    answers = await places.get("/checked", 10)
    assert {answer.status for answer in answers} == {200}
    assert asked(places) == (5, 5)
    places.one.health_status = places.two.health_status = 200
    await places.until(calm)
