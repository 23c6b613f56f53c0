"""The adaptive limit in front of a service of a fixed capacity, simulated: so many at a time, the rest in a queue."""

import heapq
import random
from dataclasses import dataclass, field

import pytest

from gateway.routes.model import PRIORITIES, ConcurrencyModel
from gateway.upstream.concurrency import AdaptiveLimit
from gateway.upstream.overload import Overload


@dataclass
class Service:
    """Takes ``places`` requests at a time, ``seconds`` each; callers come at ``rate`` a second, in even spacing."""

    limit: AdaptiveLimit
    places: int
    seconds: float
    rate: float
    random: random.Random
    now: float = 0.0
    spread: float = 0.1
    answered: list[float] = field(default_factory=list[float])
    by_rank: list[int] = field(default_factory=lambda: [0, 0, 0])
    free_at: list[float] = field(default_factory=list[float])
    ends: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    def run(self, until: float, ranks: tuple[int, ...] = (1,)) -> None:
        self.answered, self.by_rank = [], [0, 0, 0]
        if not self.free_at:
            self.free_at = [0.0] * self.places
        while self.now < until:
            self.now += 1 / self.rate
            while self.ends and self.ends[0][0] <= self.now:
                end, took = heapq.heappop(self.ends)
                self.answered.append(took)
                self.limit.leave(took, end)
            rank = self.random.choice(ranks)
            if self.limit.has_room(rank):
                self.limit.enter()
                self.by_rank[rank] += 1
                began = max(self.now, heapq.heappop(self.free_at))
                end = began + self.seconds * self.random.uniform(1 - self.spread, 1 + self.spread)
                heapq.heappush(self.free_at, end)
                heapq.heappush(self.ends, (end, end - self.now))


def service(places: int, rate: float, seconds: float = 0.05, **figures: float) -> Service:
    chance = random.Random(5)  # noqa: S311 - the same each time
    limit = AdaptiveLimit(ConcurrencyModel(**figures), 1024, chance.random)  # pyright: ignore[reportArgumentType] - figures
    return Service(limit, places, seconds, rate, chance)


@pytest.mark.parametrize(("places", "initial"), [(10, 20), (20, 4), (40, 200), (100, 20)])
def test_at_five_times_the_capacity_the_service_stays_busy_and_answers_in_time(places: int, initial: int):
    capacity = places / 0.05
    served = service(places, 5 * capacity, initial=initial)
    served.run(10)
    served.run(25)
    assert len(served.answered) >= 0.9 * capacity * 15
    assert sorted(served.answered)[int(len(served.answered) * 0.99)] <= 2 * 0.05 * 1.1


def test_an_overload_that_lasts_is_not_taken_for_calm():
    served = service(20, 2000)
    served.run(120)
    assert served.limit.calm == pytest.approx(0.05, rel=0.2)
    assert served.limit.limit < 45


def test_calm_nobody_is_refused():
    served = service(20, 200)
    served.run(20)
    assert sum(served.limit.shed) == 0


def test_a_service_that_becomes_slower_is_no_overload():
    served = service(20, 100)
    served.run(10)
    served.seconds = 0.1
    served.run(15)
    while_it_was_learnt = sum(served.limit.shed)
    served.run(30)
    assert sum(served.limit.shed) == while_it_was_learnt < 50
    assert served.limit.calm == pytest.approx(0.1, rel=0.2)


def test_a_capacity_that_halves_halves_the_limit_and_comes_back():
    served = service(40, 1200)
    served.run(20)
    before = served.limit.limit
    served.free_at = sorted(served.free_at)[:15]
    served.run(40)
    less = served.limit.limit
    served.free_at += [served.now] * 25
    served.run(70)
    assert less < 0.7 * before
    assert len(served.answered) >= 0.9 * 800 * 30


def test_the_low_priority_is_shed_first_and_the_high_last():
    served = service(20, 5 * 400)
    # A fifth of the callers are of high priority: all of the capacity, and the rest goes away empty.
    ranks = (PRIORITIES.index("high"),) * 1 + (PRIORITIES.index("normal"),) * 2 + (PRIORITIES.index("low"),) * 2
    served.run(10, ranks)
    served.run(20, ranks)
    high, normal, low = (served.by_rank[rank] / (10 * 400 * share) for rank, share in enumerate((1, 2, 2)))
    assert high > 0.75
    assert normal < 0.25
    assert low < 0.02


def test_what_says_nothing_only_gives_its_place_back():
    limit = AdaptiveLimit(ConcurrencyModel(), 100)
    for _ in range(1000):
        assert limit.has_room(1)
        limit.enter()
        limit.leave(0.0, 1.0)
    assert limit.in_flight == 0
    assert limit.calm == 0
    assert limit.limit == 50


def test_the_limit_stays_between_least_and_most():
    served = service(1, 1000, least=4, initial=4)
    served.run(10)
    assert served.limit.limit >= 4
    high = AdaptiveLimit(ConcurrencyModel(initial=500), 64)
    assert high.limit == 64


def test_the_level_of_overload_rises_at_once_and_falls_slowly():
    limit, overload = AdaptiveLimit(ConcurrencyModel(initial=4), 100), Overload()
    for _ in range(4):
        assert limit.has_room(0)
        limit.enter()
    overload.tick([limit])
    assert overload.level == 0
    for _ in range(10):
        assert not limit.has_room(2)
    overload.tick([limit])
    assert overload.level == 1
    levels = []
    for _ in range(30):
        overload.tick([limit])
        levels.append(overload.level)
    assert levels[0] == pytest.approx(0.8)
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == 0
