"""One request whose limits lie in several slots of a cluster: charged slot by slot, all of them or none.

The groups are asked in an order that is the same for all requests; a refusal ends it, and the groups before it get
back what they were charged. Where a group's node is away the route's mode decides for that group alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.limits.refunds import give_back
from gateway.limits.verdict import OPEN, Verdict, closed

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.limits.cluster_limiter import ClusterLimiter
    from gateway.limits.plan import Plan

# A slot, and which of the request's limits lie in it.
Group = tuple[int, tuple[int, ...]]


def by_slot(slots: Sequence[int], names: Sequence[str]) -> list[Group]:
    """In the order of the limits' names: two requests that share limits then meet at the first of them."""
    found: dict[int, list[int]] = {}
    for number in sorted(range(len(slots)), key=names.__getitem__):
        found.setdefault(slots[number], []).append(number)
    return [(slot, tuple(numbers)) for slot, numbers in found.items()]


class Parted:
    """Asks itself on, from group to group; a question of SlotBatch."""

    def __init__(
        self,
        limiter: ClusterLimiter,
        exchange: Exchange,
        whole: Plan,
        keys: list[str],
        groups: Sequence[Group],
        *,
        alone: bool = False,
    ) -> None:
        self._limiter, self._exchange, self._whole, self._all_keys = limiter, exchange, whole, keys
        self._groups: list[Group] = list(groups)
        self._at = 0
        # Whether to be asked apart from other requests: those may have other keys in a slot that moves.
        self._alone = alone
        self._numbers: list[int] = []
        self._told: list[int] = []
        self._local: set[int] = set()
        self._open = False
        self._taken: list[tuple[int, Plan, list[str], Sequence[int], int]] = []
        self.plan, self.keys = whole, keys

    def ask(self) -> None:
        """The next group; after the last the request is told."""
        if self._at == len(self._groups):
            self._limiter.tell(self._exchange, self._admitted())
            return
        slot, numbers = self._groups[self._at]
        self.plan = self._whole.some(numbers)
        self.keys = [self._all_keys[number] for number in numbers]
        if self._alone:
            self._limiter.ask_alone(slot, self)
        else:
            self._limiter.ask(slot, self)

    def on_told(self, told: Sequence[int], moment: int) -> None:
        """See Question."""
        slot, numbers = self._groups[self._at]
        if told[0] < 0:
            self._refuse(self.plan.judge(told, 0, "allowed"))
            return
        self._taken.append((slot, self.plan, self.keys, told, moment))
        self._next(numbers, told)

    def on_down(self) -> None:
        """The route's mode, for this group."""
        assert self._exchange.match is not None  # noqa: S101 - only a routed request has limits
        mode = self._exchange.match.route.redis_down
        _, numbers = self._groups[self._at]
        if mode == "open":
            self._open = True
            self._next((), ())
        elif mode == "closed":
            self._refuse(closed())
        else:
            workers = self._limiter.workers
            local = self._whole.some(numbers, frozenset(numbers), workers)
            told = self._limiter.local.take(local, self.keys)
            if told[0] < 0:
                self._refuse(local.judge(told, 0, "local"))
                return
            self._local.update(numbers)
            self._next(numbers, told)

    def on_moving(self) -> None:
        """Each key of this group is asked for where it is, as a group of its own."""
        slot, numbers = self._groups[self._at]
        if self._alone and len(numbers) == 1:
            # One key alone is always somewhere.
            self.on_down()
            return
        self._alone = True
        self._groups[self._at : self._at + 1] = [(slot, (number,)) for number in numbers]
        self.ask()

    def _next(self, numbers: Sequence[int], told: Sequence[int]) -> None:
        self._numbers += numbers
        self._told += told
        self._at += 1
        self.ask()

    def _admitted(self) -> Verdict:
        if not self._numbers:
            return OPEN
        counted = self._whole.some(tuple(self._numbers), frozenset(self._local), self._limiter.workers)
        outcome = "open" if self._open else "local" if self._local else "allowed"
        return counted.judge(self._told, 0, outcome)

    def _refuse(self, verdict: Verdict) -> None:
        for slot, plan, keys, told, moment in self._taken:
            give_back(
                self._limiter.link,
                self._limiter.metrics,
                slot=slot,
                plan=plan,
                keys=keys,
                told=told,
                moment=moment,
            )
        self._limiter.tell(self._exchange, verdict)
