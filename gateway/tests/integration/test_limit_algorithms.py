"""decide.lua in a real valkey: each algorithm against what it is by definition (TRAPS, rate limiting 1 to 5)."""

import itertools
from collections.abc import Iterator

import pytest
from gateway_testing.deciding import Decider
from gateway_testing.oracles import ORACLES, START, Log, agrees, all_figures, gaps
from gateway_testing.process import Valkey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.limits.figures import CODES, Figures

_FRESH = (f"key{number}" for number in itertools.count())
_HEALTHY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
_MANY = settings(max_examples=60, deadline=None, suppress_health_check=_HEALTHY)


@pytest.fixture(scope="module")
def decider(valkey: Valkey) -> Iterator[Decider]:
    decider = Decider(valkey.port)
    yield decider
    decider.close()


@pytest.mark.parametrize("algorithm", CODES)
def test_every_decision_is_the_oracles(decider: Decider, algorithm: str):
    @_MANY
    @given(st.data())
    def check(data: st.DataObject) -> None:
        figures, key = data.draw(all_figures(algorithm)), next(_FRESH)
        agrees(lambda now: decider.one(key, figures, now), figures, data.draw(gaps(figures)))

    check()


@_MANY
@given(st.data())
def test_trap_5_all_limits_of_all_requests_of_a_batch_in_one_call(decider: Decider, data: st.DataObject):
    limits = [
        (next(_FRESH), data.draw(all_figures(a)))
        for a in data.draw(st.lists(st.sampled_from(list(CODES)), min_size=1, max_size=4))
    ]
    oracles = {key: ORACLES[figures.algorithm](figures) for key, figures in limits}
    request = st.lists(st.sampled_from(limits), min_size=1, max_size=3, unique_by=lambda limit: limit[0])
    now = START
    for batch in data.draw(st.lists(st.lists(request, min_size=1, max_size=8), max_size=6)):
        now += data.draw(st.sampled_from([0, 1, 20_000, 700_000, 5_000_000]))
        told = decider.decide(batch, now)
        for asked, answers in zip(batch, told, strict=True):
            admitted = all(oracles[key].left(now) >= figures.cost for key, figures in asked)
            assert [left >= 0 for left, _ in answers] == [admitted] * len(asked)
            for key, figures in asked if admitted else ():
                oracles[key].admitted.append((now, figures.cost))
            assert [left if admitted else -1 - left for left, _ in answers] == [
                oracles[key].left(now) for key, _ in asked
            ]


def test_trap_1_requests_of_one_instant_each_count(decider: Decider):
    for algorithm in CODES:
        key, figures = next(_FRESH), Figures(algorithm, 20, 60, 20)
        told = decider.decide([[(key, figures)]] * 30, START)
        assert [left for ((left, _),) in told] == [*range(19, -1, -1), *[-1] * 10]


@pytest.mark.parametrize("algorithm", ["sliding_window", "sliding_log"])
def test_no_window_ever_holds_more_than_the_quota(decider: Decider, algorithm: str):
    @_MANY
    @given(st.lists(st.integers(0, 3_000_000), max_size=40))
    def check(pauses: list[int]) -> None:
        figures, key = Figures(algorithm, 5, 10, 5), next(_FRESH)
        exact = Log(figures)
        for now in itertools.accumulate(pauses, initial=START):
            if decider.one(key, figures, now)[0] >= 0:
                assert exact.left(now) > 0
                exact.admitted.append((now, 1))

    check()


def test_trap_4_a_fixed_window_lets_twice_the_quota_through_at_its_edge_and_the_others_do_not(decider: Decider):
    passed: dict[str, int] = {}
    for algorithm in ("fixed_window", "sliding_window", "sliding_log"):
        key, figures = next(_FRESH), Figures(algorithm, 10, 10, 10)
        # One early, nine late, and ten more as soon as the early one's window is over.
        moments = [START, *[START + 9_999_000] * 9, *[START + 10_000_000] * 10]
        admitted = [moment for moment in moments if decider.one(key, figures, moment)[0] >= 0]
        passed[algorithm] = sum(moment > START for moment in admitted)
    assert passed == {"fixed_window": 19, "sliding_window": 10, "sliding_log": 10}


def test_trap_3_every_key_has_an_end_no_later_than_two_windows(decider: Decider):
    for algorithm in CODES:
        key = next(_FRESH)
        for _ in range(3):
            decider.decide([[(key, Figures(algorithm, 5, 30, 5))]])
        assert 0 < decider.call("PTTL", key) <= 60_000


def test_a_quota_that_shrank_is_over_until_enough_came_back(decider: Decider):
    for algorithm in ("sliding_window", "sliding_log", "fixed_window", "sliding_counter"):
        key = next(_FRESH)
        for step in range(10):
            assert decider.one(key, Figures(algorithm, 10, 60, 10), START + step * 2_000_000)[0] >= 0
        left, wait = decider.one(key, Figures(algorithm, 4, 60, 4), START + 20_000_000)
        assert left == -1
        assert decider.one(key, Figures(algorithm, 4, 60, 4), START + 20_000_000 + wait)[0] >= 0


def test_memory_of_a_busy_key_is_bounded(decider: Decider):
    sizes: dict[str, int] = {}
    for algorithm in ("sliding_window", "sliding_counter", "token_bucket", "fixed_window"):
        key, figures = next(_FRESH), Figures(algorithm, 1_000_000, 60, 1_000_000)
        for step in range(400):
            decider.one(key, figures, START + step * 310_000)
        sizes[algorithm] = decider.call("STRLEN", key)
    assert sizes["sliding_window"] <= 32 + 61 * 16
    assert max(sizes[name] for name in sizes if name != "sliding_window") <= 40
