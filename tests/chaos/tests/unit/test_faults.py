"""The plan of a run."""

import pytest

from chaos.faults import LINKS, PROCESSES, TO_LINKS, TO_PROCESSES, FaultKind, draw
from chaos.recovery import recoveries


def test_a_seed_repeats_its_faults_and_another_has_others():
    assert draw(7, 100, 600) == draw(7, 100, 600)
    assert draw(7, 100, 600) != draw(8, 100, 600)


@pytest.mark.parametrize("seed", range(20))
def test_a_long_run_breaks_everything_in_every_way(seed: int):
    done = {(fault.kind, fault.place) for fault in draw(seed, 100, 600)}
    assert done >= {(kind, place) for kind in TO_PROCESSES for place in PROCESSES}
    assert done >= {(kind, place) for kind in TO_LINKS for place in LINKS}


@pytest.mark.parametrize("seed", range(20))
def test_a_short_run_has_each_kind_once(seed: int):
    assert {fault.kind for fault in draw(seed, 12, 48)} == set(FaultKind)


@pytest.mark.parametrize("seed", range(20))
def test_faults_lie_within_the_run_in_order(seed: int):
    faults = draw(seed, 100, 600)
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert all(0 <= fault.at < 600 for fault in faults)


def test_some_workers_are_frozen_for_longer_than_a_lease():
    holds = [f.hold for seed in range(10) for f in draw(seed, 100, 600) if f.kind is FaultKind.FREEZE]
    assert max(holds) > 30


@pytest.mark.parametrize(("count", "seconds"), [(0, 60), (100, 10)])
def test_a_plan_that_cannot_be_is_refused(count: int, seconds: float):
    with pytest.raises(ValueError, match="at least one, and half a second for each"):
        draw(1, count, seconds)


def test_recovery_is_from_the_end_of_a_fault_to_the_next_success():
    found = recoveries([10.0, 20.0, 99.0], {"place": [9.0, 10.5, 19.0, 23.0], "pay": [1.0]})
    assert found == {"place": (1.75, 3.0)}


def test_only_some_faults_are_drawn_when_that_is_wished():
    assert {(f.kind, f.place) for f in draw(1, 5, 60, "restart gateway")} == {(FaultKind.RESTART, "gateway")}
    assert {f.kind for f in draw(1, 30, 60, "postgres")} == set(FaultKind)
    with pytest.raises(ValueError, match="no fault is called 'earthquake'; there are kill -9 gateway"):
        draw(1, 5, 60, "earthquake")
