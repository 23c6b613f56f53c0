"""What is deleted, how often, how much of it at a time."""

from dataclasses import dataclass
from typing import Protocol

from shared.postgres import Connection


class Trim(Protocol):
    """Deletes at most ``limit`` things whose time is over; returns how many."""

    async def __call__(self, connection: Connection, limit: int) -> int:
        """Delete them."""
        ...


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Batches of ``trim`` until nothing is left or ``seconds`` are over; then the next time goes on.

    Each batch is a transaction of its own: short locks, and none that vacuum waits for.
    """

    name: str
    trim: Trim
    cron: str = "*/10 * * * *"
    batch: int = 10_000
    seconds: float = 240.0
