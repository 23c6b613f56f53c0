"""All upstreams over a reload, and the choice among targets of which some are out."""

import asyncio
from typing import Any

import pytest

from gateway.routes.model import PRIORITIES, UpstreamModel
from gateway.upstream.collector import UpstreamCollector
from gateway.upstream.fetch import Fetcher
from gateway.upstream.outcome import Outcome
from gateway.upstream.upstream import Upstream
from gateway.upstream.upstreams import Upstreams
from shared.testing.waiting import PATIENCE_SECONDS

A, B, C = ({"url": f"http://127.0.0.{number}:1"} for number in (1, 2, 3))


def model(*places: dict[str, Any], **more: Any) -> UpstreamModel:
    return UpstreamModel.model_validate({"targets": places, **more})


@pytest.fixture
async def upstreams() -> Upstreams:
    return Upstreams({"a": model(A, B), "same": model(A)}, Fetcher())


async def test_a_reload_keeps_what_is_the_same_and_the_connections_of_what_stays(upstreams: Upstreams):
    before, same = upstreams["a"], upstreams["same"]
    upstreams.reload({"a": model(B, C, slow_start="10s"), "same": model(A)})
    assert upstreams["same"] is same
    old, new = {t.url: t for t in before.targets}, {t.url: t for t in upstreams["a"].targets}
    assert new[B["url"]].pool is old[B["url"]].pool
    assert new[B["url"]].weight == 1
    # The one that is new begins slowly.
    assert new[C["url"]].weight == pytest.approx(0.1)
    assert not new[B["url"]].pool.closing
    assert old[A["url"]].pool.closing
    upstreams.close()


async def test_other_figures_of_the_pool_make_a_new_one(upstreams: Upstreams):
    old = upstreams["same"].targets[0].pool
    upstreams.reload({"same": model(A, max_connections=3)})
    assert upstreams["same"].targets[0].pool is not old
    assert old.closing


async def test_another_target_than_the_one_that_failed(upstreams: Upstreams):
    one, two = upstreams["a"].targets
    assert upstreams["a"].choose(one) is two
    assert upstreams["a"].choose(two) is one
    (only,) = upstreams["same"].targets
    assert upstreams["same"].choose() is only
    assert upstreams["same"].choose(only) is None


def fail(upstream: Upstream, number: int, times: int = 5) -> None:
    target = upstream.targets[number]
    for _ in range(times):
        target.began()
        target.ended(Outcome.UNREACHABLE, 0.0)


async def test_an_ejected_one_is_chosen_by_nobody_until_it_returns():
    upstream = Upstream("a", model(A, B, ejection={"base": "20ms"}))
    fail(upstream, 0)
    assert {upstream.choose() for _ in range(4)} == {upstream.targets[1]}
    assert upstream.choose(upstream.targets[1]) is None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while upstream.targets[0].record.ejected:
            await asyncio.sleep(0.005)
    assert {upstream.choose() for _ in range(4)} == set(upstream.targets)
    upstream.close()


async def test_the_only_target_is_never_ejected():
    upstream = Upstream("a", model(A))
    fail(upstream, 0, 100)
    assert upstream.choose() is upstream.targets[0]


async def test_what_is_abandoned_and_what_is_given_back_add_up():
    upstream = Upstream("a", model(A, breaker={}, concurrency={}))
    admission, now = upstream.admission, asyncio.get_running_loop().time()
    for outcome in Outcome:
        ticket = admission.enter(PRIORITIES.index("high"), now, stream=False)
        assert isinstance(ticket, int)
        admission.leave(ticket, outcome, 0.1, now, stream=False)
    state: dict[str, Any] = upstream.state()
    assert state["concurrency"]["in_flight"] == 0
    # All but the answers, the 500 and the abandoned one.
    assert (state["breaker"]["requests"], state["breaker"]["failures"]) == (6, 4)


async def test_metrics_are_by_names_of_the_routes_file_and_target(upstreams: Upstreams):
    found = {metric.name: metric for metric in UpstreamCollector(upstreams).collect()}
    usable = {tuple(sample.labels.values()) for sample in found["gateway_target_usable"].samples}
    assert usable == {("a", "127.0.0.1:1"), ("a", "127.0.0.2:1"), ("same", "127.0.0.1:1")}
    assert found["gateway_overload_level"].samples[0].value == 0


async def test_no_counter_goes_down_by_a_reload():
    """Prometheus would take it for a new process, and the sum over several workers would count twice."""
    guarded = {"breaker": {}, "concurrency": {"initial": 4}}
    upstreams = Upstreams({"a": model(A, B, **guarded)}, Fetcher())
    old = upstreams["a"]
    assert old.admission.breaker is not None
    assert old.admission.concurrency is not None
    old.targets[0].began()
    old.targets[0].ended(Outcome.BROKE, 0.0)
    old.targets[0].record.total, old.admission.breaker.opened = 3, 5
    old.targets[1].began()
    old.admission.concurrency.shed[2] += 1

    def counted() -> dict[tuple[str, ...], float]:
        samples = (sample for metric in UpstreamCollector(upstreams).collect() for sample in metric.samples)
        return {(s.name, *s.labels.values()): s.value for s in samples if s.name.endswith("_total") and s.value}

    before = counted()
    assert {name[0].removeprefix("gateway_") for name in before} == {
        "target_attempts_total",
        "target_ejections_total",
        "upstream_breaker_opened_total",
        "upstream_shed_total",
    }
    upstreams.reload({"a": model(B, A, C, panic=0.5, **guarded)})
    assert upstreams["a"] is not old
    assert counted() == before
    # An attempt that began before the reload counts as well.
    old.targets[1].ended(Outcome.BROKE, 0.0)
    assert sum(counted().values()) == sum(before.values()) + 1
    upstreams.close()


async def test_what_a_reload_took_away_is_measured_no_longer(upstreams: Upstreams):
    """It has no connections that a dashboard should go on showing."""

    def measured() -> set[str]:
        families = {metric.name: metric for metric in UpstreamCollector(upstreams).collect()}
        names = ("gateway_upstream_connections", "gateway_upstream_waiting")
        return {sample.labels["upstream"] for name in names for sample in families[name].samples}

    assert measured() == {"a", "same"}
    upstreams.reload({"same": model(A)})
    assert measured() == {"same"}


async def test_what_a_reload_took_away_still_serves_who_was_routed_to_it(upstreams: Upstreams):
    """A request may wait for its limit while the file changes, twice even."""
    gone = upstreams["a"]
    upstreams.reload({"same": model(A)})
    upstreams.reload({"same": model(A), "new": model(B)})
    assert upstreams["a"] is gone
    assert gone not in list(upstreams)
    upstreams.reload({"a": model(C)})
    assert upstreams["a"] is not gone
