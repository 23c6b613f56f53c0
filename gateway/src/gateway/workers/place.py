"""What the parent hands to a worker, and the command line by which it does."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """What the parent hands to a worker: file descriptors, by number, and whether it takes a dead one's place."""

    number: int
    channel: int
    listeners: tuple[int, ...]
    admin: int | None
    again: bool
    probe: int | None = None
    held: bool = False

    @property
    def listener(self) -> int:
        """The worker's own."""
        return self.listeners[self.number]


def add_worker_command(commands: argparse._SubParsersAction[Any]) -> None:  # pyright: ignore[reportPrivateUsage] - argparse names it no other way
    """``gateway worker``: for the parent, not for people."""
    worker = commands.add_parser("worker")
    worker.add_argument("--number", type=int, required=True)
    worker.add_argument("--channel", type=int, required=True)
    worker.add_argument("--listeners", type=_numbers, required=True)
    worker.add_argument("--admin", type=int, default=None)
    worker.add_argument("--again", action="store_true")
    worker.add_argument("--probe", type=int, default=None)
    worker.add_argument("--held", action="store_true")


def place(given: argparse.Namespace) -> Place:
    """From the parsed command line."""
    return Place(given.number, given.channel, given.listeners, given.admin, given.again, given.probe, given.held)


def command(place: Place) -> list[str]:
    """The command line that says it."""
    listeners = ",".join(map(str, place.listeners))
    words = ["worker", "--number", str(place.number), "--channel", str(place.channel), "--listeners", listeners]
    if place.admin is not None:
        words += ["--admin", str(place.admin)]
    if place.probe is not None:
        words += ["--probe", str(place.probe)]
    return words + ["--again"] * place.again + ["--held"] * place.held


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))
