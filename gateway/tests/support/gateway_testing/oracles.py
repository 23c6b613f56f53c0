"""What each limit algorithm is by definition, worked out anew from all that was ever admitted, in whole numbers and
fractions: slow, and right by reading. Nothing here is shared with the gateway."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from hypothesis import strategies as st

from gateway.limits.figures import CODES, Figures

Ask = Callable[[int], tuple[int, int]]


@dataclass
class Oracle:
    """``left`` is what may still be asked at a moment (microseconds)."""

    figures: Figures
    admitted: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    @property
    def window(self) -> int:
        return round(self.figures.window * 1_000_000)

    def left(self, now: int) -> int:
        return max(0, floor(self.figures.quota - self.used(now)))

    def used(self, now: int) -> Fraction | int:
        raise NotImplementedError

    def delay(self, now: int) -> int:  # noqa: ARG002
        return 0


class Log(Oracle):
    def used(self, now: int) -> int:
        return sum(cost for moment, cost in self.admitted if moment > now - self.window)


class Window(Oracle):
    def used(self, now: int) -> int:
        runs: list[tuple[int, int, int]] = []
        for moment, cost in self.admitted:
            if runs and 60 * (moment - runs[-1][0]) < self.window:
                runs[-1] = (runs[-1][0], moment, runs[-1][2] + cost)
            else:
                runs.append((moment, moment, cost))
        return sum(cost for _, last, cost in runs if last > now - self.window)


class Fixed(Oracle):
    def used(self, now: int) -> int:
        ends, used = 0, 0
        for moment, cost in self.admitted:
            if moment >= ends:
                ends, used = moment + self.window, 0
            used += cost
        return used if now < ends else 0


class Counter(Oracle):
    def used(self, now: int) -> Fraction:
        number = now // self.window
        current = sum(cost for moment, cost in self.admitted if moment // self.window == number)
        before = [(moment, cost) for moment, cost in self.admitted if moment // self.window == number - 1]
        if not before or before[-1][0] <= now - self.window:
            return Fraction(current)
        rest = (number + 1) * self.window - now
        return current + Fraction(sum(cost for _, cost in before) * rest, self.window)


class TokenBucket(Oracle):
    """A bucket that begins full and gets a token each ``span`` microseconds, evenly."""

    def used(self, now: int) -> Fraction:
        tokens, then = Fraction(self.figures.burst), 0
        for moment, cost in [*self.admitted, (now, 0)]:
            tokens = min(Fraction(self.figures.burst), tokens + Fraction(moment - then, self.figures.span)) - cost
            then = moment
        return self.figures.quota - tokens


class LeakyBucket(Oracle):
    """A level that drains by one each ``span`` microseconds; what is admitted raises it, to ``burst`` at most."""

    def used(self, now: int) -> Fraction:
        level, then = Fraction(0), 0
        for moment, cost in [*self.admitted, (now, 0)]:
            level = max(Fraction(0), level - Fraction(moment - then, self.figures.span)) + cost
            then = moment
        return self.figures.quota - self.figures.burst + level


class Queue(Oracle):
    """A line: one leaves each ``span`` microseconds, and all but one of ``burst`` may stand in it."""

    def departures(self) -> list[int]:
        departures: list[int] = []
        for moment, cost in self.admitted:
            for _ in range(cost):
                departures.append(max(moment, departures[-1] + self.figures.span if departures else 0))
        return departures

    def left(self, now: int) -> int:
        departures = self.departures()
        waiting = sum(departure > now for departure in departures)
        at_once = not departures or departures[-1] + self.figures.span <= now
        return self.figures.burst - 1 - waiting + at_once

    def delay(self, now: int) -> int:
        departures = self.departures()
        return max(0, departures[-1] + self.figures.span - now) if departures else 0


ORACLES: dict[str, type[Oracle]] = {
    "sliding_window": Window,
    "sliding_log": Log,
    "sliding_counter": Counter,
    "fixed_window": Fixed,
    "token_bucket": TokenBucket,
    "leaky_bucket": LeakyBucket,
    "leaky_queue": Queue,
}
assert ORACLES.keys() == CODES.keys()

START = 1_790_000_000_000_000
_WINDOW = st.sampled_from([1.0, 1.5, 7.0, 60.0])


@st.composite
def all_figures(draw: st.DrawFn, algorithm: str) -> Figures:
    quota = draw(st.integers(1, 12))
    burst = quota if algorithm not in {"token_bucket", "leaky_bucket", "leaky_queue"} else draw(st.integers(1, 12))
    cost = 1 if algorithm == "leaky_queue" else draw(st.integers(1, min(3, quota, burst)))
    return Figures(algorithm, quota, draw(_WINDOW), burst, cost)


def gaps(figures: Figures) -> st.SearchStrategy[list[int]]:
    """Pauses between requests, with many on the edges that an algorithm has."""
    window = round(figures.window * 1_000_000)
    edges = [0, 1, window // 60, window // 60 + 1, figures.span - 1, figures.span, window - 1, window, window + 1]
    edge = st.sampled_from([gap for gap in edges if gap >= 0])
    return st.lists(st.one_of(edge, st.just(0), st.integers(0, window // 8), st.integers(0, 2 * window)), max_size=40)


def agrees(ask: Ask, figures: Figures, pauses: Iterable[int]) -> None:
    """Every answer of ``ask`` is the oracle's: admitted or not, what is left, and how long to wait."""
    oracle, now, cost = ORACLES[figures.algorithm](figures), START, figures.cost
    longest = figures.figure if figures.code == 1 else oracle.window
    for pause in pauses:
        now += pause
        before, delay = oracle.left(now), oracle.delay(now)
        left, told = ask(now)
        assert (left >= 0) is (before >= cost), (now - START, left, before)
        if left < 0:
            assert -1 - left == before
            # Exactly then, and not a microsecond before; and never longer than the window.
            assert 0 < told <= longest
            assert oracle.left(now + told) >= cost
            assert oracle.left(now + told - 1) < cost
            continue
        oracle.admitted.append((now, cost))
        assert left == oracle.left(now)
        if figures.code == 1:
            assert told - cost * figures.span == delay if figures.algorithm == "leaky_queue" else told > 0
        else:
            assert oracle.left(now + told) > left
            assert oracle.left(now + told - 1) == left
