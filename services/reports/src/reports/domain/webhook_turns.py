"""Whose turn it is: how many deliveries each webhook gets when some are due.

A receiver that is dead or slow holds each attempt for the whole of its time. So no webhook and no user
gets more than a few at once, and those that fail share half of the places, one each: whoever answers is
served whatever the others do.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """A webhook that deliveries are due for: how many (up to some bound), and how many are in hand now."""

    webhook_id: int
    user_id: int
    failing: bool
    due: int
    in_hand: int


@dataclass(frozen=True, slots=True)
class Places:
    """How many deliveries may be in hand at once: in this process, of one user, of one webhook."""

    process: int = 20
    user: int = 6
    webhook: int = 3

    @property
    def failing(self) -> int:
        """Of those of the process, what webhooks that fail may hold."""
        return max(1, self.process // 2)


def share_out(waiting: Sequence[Waiting], places: Places, held: int, held_by_failing: int) -> Mapping[int, int]:
    """How many deliveries of which webhook to begin now, those that waited longest first.

    ``held`` is what this process has in hand, ``held_by_failing`` the part of webhooks that fail; what
    ``Waiting`` counts is in hand in all processes.
    """
    free, free_failing = places.process - held, places.failing - held_by_failing
    of_user: Counter[int] = Counter()
    for each in waiting:
        of_user[each.user_id] += each.in_hand
    given: Counter[int] = Counter()
    # One each, then another each: the first in line does not take all.
    for turn in range(places.webhook):
        for each in waiting:
            most = 1 if each.failing else places.webhook
            if (
                free > 0
                and turn < each.due
                and each.in_hand + given[each.webhook_id] < most
                and of_user[each.user_id] < places.user
                and (not each.failing or free_failing > 0)
            ):
                given[each.webhook_id] += 1
                of_user[each.user_id] += 1
                free -= 1
                free_failing -= each.failing
    return +given
