"""What became of one attempt at a target, or of a request with all its attempts."""

from enum import IntEnum


class Outcome(IntEnum):
    """Those from FAILED up to LATE speak against the target."""

    ANSWERED = 0
    """A whole answer of a status below 500."""
    FAILED = 1
    """A whole answer of a status of 500 and above: this request failed, others may not."""
    UNAVAILABLE = 2
    """502, 503 or 504: the service says itself that it is not there."""
    UNREACHABLE = 3
    """No connection: refused, unknown, or late."""
    BROKE = 4
    """The connection ended before the answer did, or what came was no answer."""
    LATE = 5
    """The answer did not begin, or did not go on, in time."""
    ABANDONED = 6
    """Nobody waited for it any more, or it never left: says nothing about the target."""


_UNAVAILABLE = frozenset({502, 503, 504})


def of_status(status: int) -> Outcome:
    """The outcome of a whole answer."""
    if status < 500:  # noqa: PLR2004
        return Outcome.ANSWERED
    return Outcome.UNAVAILABLE if status in _UNAVAILABLE else Outcome.FAILED
