"""The faults of a run, drawn from a seed before it begins: the same seed breaks the same things at the same moments."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from operator import itemgetter

_WORKERS = ("users-worker", "orders-worker", "reports-worker")
_APIS = ("users", "orders", "reports")
_LONG_FREEZE = 38.0
"""Longer than a lease of a job and than two heartbeats: whoever comes back from it has been given up."""
_SPACING_FOR_LONG = 3.0
_LONG_SHARE = 0.25


class FaultKind(StrEnum):
    """What is done, to a process or to connections."""

    KILL = "kill -9"
    FREEZE = "freeze"
    RESTART = "restart"
    CUT = "cut"
    REFUSE = "refuse"
    DELAY = "delay"
    BLACKHOLE = "blackhole"
    THROTTLE = "throttle"
    RESET = "reset mid-stream"


TO_PROCESSES = (FaultKind.KILL, FaultKind.FREEZE, FaultKind.RESTART)
TO_LINKS = (
    FaultKind.CUT, FaultKind.REFUSE, FaultKind.DELAY, FaultKind.BLACKHOLE, FaultKind.THROTTLE, FaultKind.RESET,
)  # fmt: skip

_doubled = tuple(name for one in (*_APIS, *_WORKERS) for name in (one, f"{one}-2"))
PROCESSES: dict[str, tuple[str, ...]] = {
    "gateway": ("gateway",),
    "a gateway worker": ("gateway/",),
    "API": tuple(name for name in _doubled if "worker" not in name),
    "worker": tuple(name for name in _doubled if "worker" in name),
    "postgres": ("postgres",),
    "redis": ("redis",),
    "rabbitmq": ("rabbitmq",),
}
"""The classes of processes, so that six workers are not hit six times as often as the one Postgres."""

LINKS: dict[str, tuple[str, ...]] = {
    "API->postgres": tuple(f"{name}->postgres" for name in PROCESSES["API"]),
    "worker->postgres": tuple(f"{name}->postgres" for name in PROCESSES["worker"]),
    "worker->rabbitmq": tuple(f"{name}->rabbitmq" for name in PROCESSES["worker"]),
    "all->redis": tuple(f"{name}->redis" for name in (*_doubled, "gateway")),
    "gateway->API": tuple(f"gateway->{name}" for name in PROCESSES["API"]),
}
"""The classes of connections; the target ``all`` of one is every link of the class at once."""


@dataclass(frozen=True)
class Fault:
    """One fault: ``at`` in seconds from the storm's begin, ``hold`` in seconds until it is undone."""

    number: int
    at: float
    kind: FaultKind
    place: str
    targets: tuple[str, ...]
    hold: float
    amount: int = 0
    """Of a delay the milliseconds, of a throttle the bytes a second, of a reset the bytes until it comes."""

    def describe(self) -> str:
        """The fault in a line."""
        amount = f" {self.amount}" if self.amount else ""
        where = ", ".join(self.targets) if len(self.targets) <= 2 else f"{self.place} ({len(self.targets)} links)"
        return f"#{self.number} at {self.at:6.1f} s: {self.kind}{amount} {where}, {self.hold:.1f} s"


def draw(seed: int, count: int, seconds: float, only: str = "") -> list[Fault]:
    """``count`` faults within ``seconds``, of those whose kind and place contain ``only`` (``kill -9 postgres``).

    Raises ValueError for a plan that cannot be.
    """
    if count < 1 or seconds / count < 0.5:
        raise ValueError(f"{count} faults in {seconds:g} s: at least one, and half a second for each")
    chance = random.Random(f"{seed} faults")  # noqa: S311 - repeatable is what it must be
    every: list[list[tuple[FaultKind, str]]]
    every = [list(product(TO_PROCESSES, PROCESSES)), list(product(TO_LINKS, LINKS))]
    wanted = [[card for card in cards if only in " ".join(card)] for cards in every]
    decks = [_Deck(chance, cards) for cards in wanted if cards]
    if not decks:
        raise ValueError(f"no fault is called {only!r}; there are {', '.join(map(' '.join, every[0] + every[1]))}")
    spacing = seconds / count
    faults: list[Fault] = []
    for number in range(count):
        kind, place = decks[number % len(decks)].draw()
        of_links = place in LINKS
        targets = LINKS[place] if of_links else PROCESSES[place]
        if not of_links or chance.random() < 0.5:
            targets = (chance.choice(targets),)
        hold = min(spacing, 5.0) * chance.uniform(0.3, 0.8)
        if (
            kind is FaultKind.FREEZE
            and place == "worker"
            and spacing > _SPACING_FOR_LONG
            and chance.random() < _LONG_SHARE
        ):
            hold = min(_LONG_FREEZE, seconds - number * spacing)
        if kind in {FaultKind.KILL, FaultKind.RESTART, FaultKind.CUT}:
            hold = 0.0
        at = (number + chance.uniform(0.0, 0.2)) * spacing
        faults.append(Fault(number + 1, at, kind, place, targets, hold, _amount(kind, chance)))
    return faults


def _amount(kind: FaultKind, chance: random.Random) -> int:
    match kind:
        case FaultKind.DELAY:
            return chance.randrange(30, 400)
        case FaultKind.THROTTLE:
            return chance.randrange(2_000, 40_000)
        case FaultKind.RESET:
            return chance.randrange(1, 4_000)
        case _:
            return 0


class _Deck:
    """Every kind meets every place once before one meets it again; all kinds come up early."""

    def __init__(self, chance: random.Random, every: Sequence[tuple[FaultKind, str]]) -> None:
        self._chance = chance
        self._every = every
        self._cards: list[tuple[FaultKind, str]] = []

    def draw(self) -> tuple[FaultKind, str]:
        if not self._cards:
            cards = self._chance.sample(self._every, len(self._every))
            met: Counter[FaultKind] = Counter()
            turns: list[tuple[int, tuple[FaultKind, str]]] = []
            for card in cards:
                turns.append((met[card[0]], card))
                met[card[0]] += 1
            # The n-th card of each kind comes before the n+1st of any.
            self._cards = [card for _, card in sorted(turns, key=itemgetter(0), reverse=True)]
        return self._cards.pop()
