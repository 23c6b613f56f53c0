"""The limits of one process alone (TRAPS, rate limiting 2, 4, 5 and 6)."""

import pytest
from gateway_testing.oracles import agrees, all_figures, gaps
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import local_share
from gateway.limits.figures import CODES
from gateway.limits.local_counts import count
from gateway.limits.local_share import LocalShare
from gateway.limits.plan import Plan, plan
from gateway.routes.model import LimitPolicy


class Clock:
    """The monotonic clock of the module, standing still."""

    now = 1000.0

    def monotonic_ns(self) -> int:
        return int(self.now * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(local_share, "time", clock)
    return clock


def of(share: float = 1.0, **quotas: str) -> Plan:
    """A limit a name."""
    limits = [(name, LimitPolicy.model_validate({"anonymous": quota})) for name, quota in quotas.items()]
    return plan(limits, None, 1, 1.0, share)


@pytest.mark.parametrize("algorithm", CODES)
def test_every_decision_is_the_oracles(algorithm: str):
    @given(st.data())
    def check(data: st.DataObject) -> None:
        figures = data.draw(all_figures(algorithm))
        key = count(figures.code)

        def ask(now: int) -> tuple[int, int]:
            left, wait = key.left(now, figures.figure, figures.span, figures.cost)
            if left < figures.cost:
                return -1 - left, wait
            return key.take(now, figures.figure, figures.span, figures.cost)

        agrees(ask, figures, data.draw(gaps(figures)))

    check()


def test_rejected_requests_cost_nothing_and_the_wait_told_is_enough(clock: Clock):
    share, limit = LocalShare(), of(p="2/60s")
    assert [share.take(limit, ["k"])[0] >= 0 for _ in range(5)] == [True, True, False, False, False]
    refusal = limit.judge(share.take(limit, ["k"]), 0, "local").refusal
    assert refusal is not None
    clock.now += int(dict(refusal.headers)[b"retry-after"])
    assert share.take(limit, ["k"])[0] >= 0


def test_all_or_none(clock: Clock):  # noqa: ARG001 - time stands still
    share, both, wide = LocalShare(), of(wide="10/60s", tight="1/60s"), of(wide="10/60s")
    assert share.take(both, ["w", "t"])[::2] == [9, 0]
    assert share.take(both, ["w", "t"])[::2] == [-10, -1]
    assert share.take(wide, ["w"])[0] == 8


def test_a_process_has_its_part_of_the_share_and_at_least_one():
    assert [of(0.25, p="2/1m").local(workers).first.quota for workers in (1, 4)] == [1, 1]
    assert [of(0.25, p="100/1m").local(workers).first.quota for workers in (1, 4)] == [25, 6]


def test_memory_is_bounded_and_the_least_asked_about_goes(clock: Clock, monkeypatch: pytest.MonkeyPatch):  # noqa: ARG001
    monkeypatch.setattr(local_share, "_MAX_KEYS", 10)
    share, limit = LocalShare(), of(p="5/60s")
    for n in range(50):
        share.take(limit, [str(n)])
        share.take(limit, ["busy"])
    assert len(share._counts) == 10
    assert share.take(limit, ["busy"])[0] < 0
