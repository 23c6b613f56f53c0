"""What is given back after a refusal elsewhere: with random charges, refunds and pauses no limit admits more than it
would have admitted without the refused requests (TRAPS, rate limiting 2 and 5)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from gateway_testing.deciding import Decider
from gateway_testing.process import Valkey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.limits.figures import CODES, Figures
from gateway.limits.refunds import REFUND

SECOND = 1_000_000
START = 1_763_880_000 * SECOND
QUEUE = 6
_HEALTHY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture(scope="module")
def decider(valkey: Valkey) -> Iterator[Decider]:
    decider = Decider(valkey.port)
    yield decider
    decider.close()


@dataclass
class Refunder:
    """refund.lua with the test's clock."""

    decider: Decider

    def __call__(self, key: str, figures: Figures, told: int, moment: int, now: int) -> int:
        ours = "redis.call('TIME')"
        assert ours in REFUND
        script = REFUND.replace(ours, "{0, table.remove(ARGV)}")
        code = QUEUE if figures.algorithm == "leaky_queue" else figures.code
        packed = struct.pack("<4d", code, figures.span, figures.cost, told)
        return self.decider.call("EVAL", script, 1, key, moment, packed, now)


def figures_of(algorithm: str, quota: int, cost: int = 1) -> Figures:
    return Figures(algorithm, quota, 10.0, quota, cost)


@pytest.mark.parametrize("algorithm", CODES)
def test_2_a_refund_at_once_leaves_the_limit_as_it_was(decider: Decider, algorithm: str):
    figures, key = figures_of(algorithm, 6, cost=2), f"refund:{algorithm}"
    decider.call("DEL", key)
    assert decider.one(key, figures, START)[0] == 4
    left, told = decider.one(key, figures, START + 1000)
    assert left == 2
    assert Refunder(decider)(key, figures, told, START + 1000, START + 1000) == 1
    assert decider.one(key, figures, START + 1000)[0] == 2
    assert decider.call("PTTL", key) > 0


def test_2_a_turn_that_somebody_stands_behind_is_not_given_back(decider: Decider):
    figures, key = figures_of("leaky_queue", 6), "refund:stands"
    decider.call("DEL", key)
    _, first = decider.one(key, figures, START)
    _, second = decider.one(key, figures, START)
    assert Refunder(decider)(key, figures, first, START, START) == 0
    assert Refunder(decider)(key, figures, second, START, START) == 1


@pytest.mark.parametrize("algorithm", CODES)
def test_2_what_has_aged_is_not_given_back(decider: Decider, algorithm: str):
    figures, key = figures_of(algorithm, 4), f"refund:aged:{algorithm}"
    decider.call("DEL", key)
    _, told = decider.one(key, figures, START)
    late = START + 21 * SECOND
    decider.one(key, figures, late)
    before = decider.call("DUMP", key)
    assert Refunder(decider)(key, figures, told, START, late) == 0
    assert decider.call("DUMP", key) == before


# Pauses in milliseconds, and for each request after how many others its refund comes, None for one that goes through.
STEPS = st.lists(
    st.tuples(st.sampled_from([0, 1, 100, 170, 900, 2500, 4000]), st.none() | st.integers(0, 3)),
    min_size=5,
    max_size=40,
)
# Exact in each moment, so that the same trace without the refused requests is the measure.
COMPARED = ["token_bucket", "leaky_bucket", "leaky_queue", "sliding_log", "sliding_counter"]
# By what no window may hold more than: the edge of two fixed ones has both quotas.
WINDOWS = {"sliding_window": 1, "sliding_log": 1, "fixed_window": 2}


@pytest.mark.parametrize("algorithm", CODES)
@settings(max_examples=40, deadline=None, suppress_health_check=_HEALTHY)
@given(steps=STEPS)
def test_5_a_limit_never_admits_more_than_without_the_refused(
    decider: Decider, algorithm: str, steps: list[tuple[int, int | None]]
):
    figures, key, alone = figures_of(algorithm, 4), "refund:with", "refund:without"
    decider.call("DEL", key, alone)
    refund, now = Refunder(decider), START
    owed: list[tuple[int, int, int]] = []
    admitted: list[int] = []
    for turn, (pause, refunded_after) in enumerate(steps):
        now += pause * 1000
        left, told = decider.one(key, figures, now)
        if left >= 0 and refunded_after is not None:
            owed.append((turn + refunded_after, told, now))
        elif left >= 0:
            admitted.append(now)
            if algorithm in COMPARED:
                assert decider.one(alone, figures, now)[0] >= 0
            if algorithm in WINDOWS:
                held = sum(moment > now - figures.window * SECOND for moment in admitted)
                assert held <= WINDOWS[algorithm] * figures.quota
        for due in [due for due in owed if due[0] <= turn]:
            owed.remove(due)
            refund(key, figures, due[1], due[2], now)
