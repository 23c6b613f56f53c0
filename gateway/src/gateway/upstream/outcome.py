"""What became of one attempt at a target."""

from enum import IntEnum


class Outcome(IntEnum):
    """As the target is judged by it."""

    ANSWERED = 0
    """A whole answer of a status below 500."""
    FAILED = 1
    """A whole answer of a status of 500 and above."""
    UNREACHABLE = 2
    """No connection: refused, unknown, or late."""
    BROKE = 3
    """The connection ended before the answer did, or what came was no answer."""
    LATE = 4
    """The answer did not begin, or did not go on, in time."""
    ABANDONED = 5
    """Nobody waited for it any more, which says nothing about the target."""


def of_status(status: int) -> Outcome:
    """The outcome of a whole answer."""
    return Outcome.ANSWERED if status < 500 else Outcome.FAILED  # noqa: PLR2004
