"""How old a replica may be, told by places in the primary's log and one clock."""

from math import inf

from shared.postgres.staleness import Staleness


def test_nothing_is_known_before_the_replica_has_reached_a_place():
    staleness = Staleness()
    assert staleness.at(10.0) == inf
    staleness.primary_was_at(500, 10.0)
    staleness.replica_is_at(499)
    assert staleness.at(11.0) == inf


def test_an_idle_primary_leaves_its_replica_young():
    staleness = Staleness()
    for second in range(100):
        staleness.primary_was_at(500, float(second))
        staleness.replica_is_at(500)
    assert staleness.at(99.5) == 0.5


def test_a_replica_that_stands_still_grows_old_from_the_last_place_that_it_reached():
    staleness = Staleness()
    staleness.primary_was_at(500, 1.0)
    staleness.replica_is_at(500)
    for second in range(2, 9):
        staleness.primary_was_at(500 + second, float(second))
        staleness.replica_is_at(500)
    assert staleness.at(9.0) == 8.0
    staleness.replica_is_at(505)
    assert staleness.at(9.0) == 4.0, "it has what the primary had at 5 s"
    staleness.replica_is_at(10_000)
    assert staleness.at(9.0) == 1.0


def test_a_primary_that_is_not_asked_makes_nothing_younger():
    staleness = Staleness()
    staleness.primary_was_at(500, 1.0)
    staleness.replica_is_at(500)
    staleness.replica_is_at(900)
    assert staleness.at(31.0) == 30.0


def test_a_lost_replica_begins_anew():
    staleness = Staleness()
    staleness.primary_was_at(500, 1.0)
    staleness.replica_is_at(500)
    staleness.lost()
    staleness.replica_is_at(900)
    assert staleness.at(1.0) == inf


def test_marks_of_a_long_outage_are_bounded_and_never_make_it_younger():
    staleness = Staleness()
    for second in range(5_000):
        staleness.primary_was_at(second, float(second))
    staleness.replica_is_at(1_000)
    assert staleness.at(5_000.0) == inf
    staleness.replica_is_at(4_999)
    assert staleness.at(5_000.0) == 1.0
