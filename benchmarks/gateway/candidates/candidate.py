"""What a candidate is: how it starts, what is asked of it, and what must hold of its answers."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import Server

# More than any run asks for.
NO_LIMIT = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Setting:
    """Of one start: where its files go, how many requests its limit admits, and another file for what it writes."""

    ground: Ground
    folder: Path
    quota: int = NO_LIMIT
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """``token`` is the algorithm of the token it is sent, None where it checks none.

    ``limit_of_all``: its limit is of all users together. ``forwards`` is False where answers come from a cache;
    ``condition`` is sent as If-None-Match; ``spans``: every request leaves spans at the sink; ``mixed``: it is also
    run with many users on many paths. ``work`` and ``leaves_out`` are for the reader of the figures.
    """

    name: str
    title: str
    work: str
    start: Callable[[Setting], AbstractContextManager[Server]]
    version: Callable[[Ground], str]
    path: str = "/api/v1/things/1"
    token: str | None = None
    limited: bool = False
    limit_of_all: bool = False
    forwards: bool = True
    condition: str | None = None
    spans: bool = False
    leaves_out: str = ""
    mixed: bool = False
