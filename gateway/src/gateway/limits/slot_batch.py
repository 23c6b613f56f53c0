"""One call of the script for the questions of one slot and tick: its patience, and what becomes of its reply."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Protocol

import hiredis
import structlog

from gateway.limits.limiter import SCRIPT
from gateway.limits.limiting import LOST_AFTER
from gateway.limits.patience import Patience

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from gateway.limits.metrics import LimitMetrics
    from gateway.limits.plan import Plan
    from gateway.redis_cluster.cluster_link import Call, ClusterLink

log = structlog.stdlib.get_logger(__name__)

_END = "return answers\n"
assert SCRIPT.endswith(_END)  # noqa: S101 - what is replaced below
CLUSTER_SCRIPT = SCRIPT.removesuffix(_END) + "answers[#answers + 1] = now\n" + _END
"""As on one server, and at last the moment of the decision: who gives back says when it was taken."""
_SHA = hashlib.sha1(CLUSTER_SCRIPT.encode(), usedforsecurity=False).hexdigest()


class Question(Protocol):
    """What is asked of one slot for one request."""

    plan: Plan
    keys: list[str]

    def on_told(self, told: Sequence[int], moment: int) -> None:
        """The two numbers a limit, as decide.lua gives them, and Redis's time in microseconds."""
        ...

    def on_down(self) -> None:
        """Nobody can say, or not in time."""
        ...

    def on_moving(self) -> None:
        """Some of the keys have moved to another node and some have not."""
        ...


class SlotBatch:
    """``questions`` have all their keys in ``slot``, and wait ``patience`` seconds."""

    def __init__(
        self,
        link: ClusterLink,
        metrics: LimitMetrics,
        loop: asyncio.AbstractEventLoop,
        slot: int,
        questions: list[Question],
        *,
        patience: float,
    ) -> None:
        self._link, self._metrics, self._loop = link, metrics, loop
        self._slot, self._questions = slot, questions
        self._overdue = False
        self._call: Call | None = None
        self._arguments: tuple[bytes | str | int, ...] = ()
        self._timer: Patience | asyncio.TimerHandle = Patience(loop, patience, self._on_overdue)

    def send(self) -> None:
        """Ask."""
        keys: list[str] = []
        plans: dict[Plan, int] = {}
        numbers: list[int] = []
        for question in self._questions:
            keys += question.keys
            numbers.append(plans.setdefault(question.plan, len(plans) + 1))
        self._metrics.calls += 1
        self._arguments = (len(keys), *keys, bytes(numbers), *[plan.packed for plan in plans])
        self._call = self._link.call(self._slot, "EVALSHA", _SHA, *self._arguments, on_reply=self._on_reply)

    def _on_overdue(self) -> None:
        log.warning("limiter_redis_late")
        self._overdue = True
        self._metrics.late += 1
        node = self._call and self._call.node
        if node is not None:
            node.late.add(self)
            self._timer = self._loop.call_later(LOST_AFTER, node.drop)
        for question in self._questions:
            question.on_down()

    def _on_reply(self, reply: Any) -> None:
        refused = str(reply).split(" ", 1)[0] if isinstance(reply, hiredis.ReplyError) else ""
        if refused == "NOSCRIPT" and self._call is not None:
            # The node was restarted or flushed under us; EVAL loads the script again.
            self._call.again("EVAL", CLUSTER_SCRIPT, *self._arguments)
            return
        self._timer.cancel()
        if self._overdue:
            if self._call is not None and self._call.node is not None:
                self._call.node.late.discard(self)
        elif refused == "TRYAGAIN":
            for question in self._questions:
                question.on_moving()
        elif isinstance(reply, Exception):
            if refused:
                log.warning("limiter_redis_refused", error=refused)
            for question in self._questions:
                question.on_down()
        else:
            at = 0
            for question in self._questions:
                question.on_told(reply[at : at + question.plan.size], reply[-1])
                at += question.plan.size
