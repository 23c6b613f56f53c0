"""The sliding window of one process (TRAPS, rate limiting 2, 4 and 5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import local_share
from gateway.limits.local_share import LocalShare
from gateway.limits.verdict import Check, judge


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(local_share, "time", clock)
    return clock


@given(st.lists(st.floats(min_value=0, max_value=20), max_size=80))
def test_no_window_ever_holds_more_than_the_quota(pauses: list[float]):
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        patch.setattr(local_share, "time", clock)
        share, check = LocalShare(1.0), Check("p", "k", 5, 60)
        admitted: list[float] = []
        for pause in pauses:
            clock.now += pause
            if share.take([check])[0]:
                admitted.append(clock.now)
        for start in admitted:
            assert sum(start <= moment < start + 60 for moment in admitted) <= 5


def test_rejected_requests_cost_nothing_and_the_wait_told_is_enough(clock: Clock):
    share, check = LocalShare(1.0), Check("p", "k", 2, 60)
    assert [share.take([check])[0] for _ in range(4)] == [True, True, False, False]
    admitted, readings = share.take([check])
    refusal = judge([check], readings, admitted=admitted, outcome="local").refusal
    assert refusal is not None
    clock.now += int(dict(refusal.headers)[b"retry-after"])
    assert share.take([check])[0]


def test_all_or_none(clock: Clock):  # noqa: ARG001 - time stands still
    share = LocalShare(1.0)
    wide, tight = Check("wide", "w", 10, 60), Check("tight", "t", 1, 60)
    assert share.take([wide, tight])[0]
    assert not share.take([wide, tight])[0]
    assert share.take([wide])[1][0].remaining == 8


def test_the_share_is_at_least_one():
    assert LocalShare(0.25).scaled(Check("p", "k", 2, 60)).quota == 1
    assert LocalShare(0.25).scaled(Check("p", "k", 100, 60)).quota == 25


def test_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch):  # noqa: ARG001
    monkeypatch.setattr(local_share, "_MAX_KEYS", 10)
    share = LocalShare(1.0)
    for n in range(50):
        share.take([Check("p", str(n), 5, 60)])
    assert len(share._used) == 10
