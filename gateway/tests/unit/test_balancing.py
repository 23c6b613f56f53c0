"""The ways to choose a target: by weight while nothing is under way, by load while something is."""

import random
from collections import Counter
from dataclasses import dataclass

import pytest

from gateway.upstream.balancing import BALANCERS, Balancer, LeastOutstanding, PowerOfTwoChoices, RoundRobin


@dataclass(eq=False)
class Place:
    """As much of a target as a balancer looks at."""

    name: str
    weight: float = 1.0
    outstanding: int = 0


def counts(balancer: Balancer, places: list[Place], times: int) -> Counter[str]:
    return Counter(balancer.choose(places).name for _ in range(times))


def made(name: str) -> Balancer:
    return PowerOfTwoChoices(random.Random(1).random) if name == "p2c" else BALANCERS[name]()  # noqa: S311 - the same each time


@pytest.mark.parametrize("name", BALANCERS)
def test_equal_ones_get_equal_parts(name: str):
    found = counts(made(name), [Place("a"), Place("b"), Place("c")], 3000)
    assert all(900 < found[place] < 1100 for place in "abc"), found


@pytest.mark.parametrize("name", BALANCERS)
def test_weights_are_kept_while_nothing_is_under_way(name: str):
    found = counts(made(name), [Place("a", 3.0), Place("b", 1.0)], 4000)
    assert 2800 < found["a"] < 3200, found


@pytest.mark.parametrize("name", ["least_outstanding", "p2c"])
def test_a_slow_one_gets_less(name: str):
    """A target that takes four times as long ends up with fewer requests: its own are still under way."""
    fast, slow = Place("fast"), Place("slow")
    balancer, ending, found = made(name), [], Counter[str]()
    for now in range(4000):
        for place, end in [(p, e) for p, e in ending if e <= now]:
            place.outstanding -= 1
            ending.remove((place, end))
        place = balancer.choose([fast, slow])
        place.outstanding += 1
        found[place.name] += 1
        ending.append((place, now + (5 if place is fast else 20)))
    assert found["fast"] > 2 * found["slow"], found


def test_the_least_outstanding_is_the_one_with_the_fewest():
    places = [Place("a", outstanding=3), Place("b", outstanding=1), Place("c", outstanding=2)]
    assert counts(LeastOutstanding(), places, 5) == {"b": 5}


def test_round_robin_is_smooth():
    places = [Place("a", 2.0), Place("b", 1.0)]
    balancer = RoundRobin()
    assert "".join(balancer.choose(places).name for _ in range(6)) == "abaaba"


def test_one_that_was_away_does_not_catch_up():
    a, b, c = Place("a"), Place("b"), Place("c")
    balancer = RoundRobin()
    counts(balancer, [a, b, c], 3)
    counts(balancer, [a, b], 100)
    assert counts(balancer, [a, b, c], 9) == {"a": 3, "b": 3, "c": 3}


@pytest.mark.parametrize("name", BALANCERS)
def test_the_only_one_is_chosen(name: str):
    assert counts(made(name), [Place("a", 0.1)], 3) == {"a": 3}
