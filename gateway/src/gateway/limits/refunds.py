"""What a refused request had been charged by limits in other slots of a cluster is given back there.

Nobody waits for it. A refund that does not arrive, because the node is away or this process ended, leaves the client
charged until that ages: too little is admitted then, and never too much.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hiredis

if TYPE_CHECKING:
    from gateway.limits.metrics import LimitMetrics
    from gateway.limits.plan import Plan
    from gateway.redis_cluster.cluster_link import Call, ClusterLink

REFUND = (Path(__file__).parent / "refund.lua").read_text()
_SHA = hashlib.sha1(REFUND.encode(), usedforsecurity=False).hexdigest()
_QUEUE = 6


def give_back(
    link: ClusterLink,
    metrics: LimitMetrics,
    *,
    slot: int,
    plan: Plan,
    keys: Sequence[str],
    told: Sequence[int],
    moment: int,
) -> None:
    """Undo a charge of ``plan`` that was answered with ``told`` at Redis's ``moment``."""
    packed = b"".join(
        struct.pack("<4d", _QUEUE if rule.queued else rule.figures.code, rule.span, rule.cost, told[2 * number + 1])
        for number, rule in enumerate(plan.rules)
    )
    _Refund(link, metrics, slot, (len(keys), *keys, moment, packed)).send()


class _Refund:
    def __init__(
        self, link: ClusterLink, metrics: LimitMetrics, slot: int, arguments: tuple[bytes | str | int, ...]
    ) -> None:
        self._link, self._metrics, self._slot, self._arguments = link, metrics, slot, arguments
        self._call: Call | None = None

    def send(self) -> None:
        self._call = self._link.call(self._slot, "EVALSHA", _SHA, *self._arguments, on_reply=self._on_reply)

    def _on_reply(self, reply: Any) -> None:
        refused = str(reply).split(" ", 1)[0] if isinstance(reply, hiredis.ReplyError) else ""
        if refused == "NOSCRIPT" and self._call is not None:
            self._call.again("EVAL", REFUND, *self._arguments)
        elif refused == "TRYAGAIN" and isinstance(number := self._arguments[0], int) and number > 1:
            # While the slot moves each key is where it is.
            keys, moment, packed = self._arguments[1:-2], self._arguments[-2], self._arguments[-1]
            assert isinstance(packed, bytes)  # noqa: S101 - see give_back
            for at, key in enumerate(keys):
                alone = (1, key, moment, packed[32 * at : 32 * at + 32])
                _Refund(self._link, self._metrics, self._slot, alone).send()
        else:
            self._metrics.refunds["lost" if isinstance(reply, Exception) else "given"] += 1
