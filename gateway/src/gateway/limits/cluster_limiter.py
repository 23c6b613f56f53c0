"""The limits step on a Redis Cluster: one call a slot and tick, pipelined to the node that has the slot.

All limits of one client lie in one slot (its hash tag), so that they are charged by one call as on one server. Where a
request has limits of several tags, see ``parted``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gateway.limits.counted import tagged
from gateway.limits.limiter import Limiter
from gateway.limits.limiting import AT_START, BATCH, Limiting, calm
from gateway.limits.parted import Parted, by_slot
from gateway.limits.patience import PATIENCE
from gateway.limits.slot_batch import CLUSTER_SCRIPT, SlotBatch
from gateway.redis_cluster.address import ClusterAddress, is_cluster
from gateway.redis_cluster.cluster_link import ClusterLink
from gateway.redis_cluster.slots import slot_of

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from gateway.data.exchange import Exchange
    from gateway.limits.plan import Plan
    from gateway.limits.slot_batch import Question
    from gateway.routes.model import RoutesModel


def limiter_of(
    url: str | None,
    model: RoutesModel,
    scale: float,
    registry: CollectorRegistry,
    *,
    overload: Callable[[], float],
    workers: int,
    patience: float,
) -> Limiting:
    """On a cluster, on one Redis, or with a ``url`` of None without any."""
    if url is not None and is_cluster(url):
        return ClusterLimiter(url, model, scale, registry, overload=overload, workers=workers, patience=patience)
    return Limiter(url, model, scale, registry, overload=overload, workers=workers, patience=patience)


class ClusterLimiter(Limiting):
    """``url`` as of ClusterAddress; the rest as of Limiting."""

    def __init__(
        self,
        url: str,
        model: RoutesModel,
        scale: float,
        registry: CollectorRegistry,
        *,
        overload: Callable[[], float] = calm,
        workers: int = 1,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(model, scale, registry, alone=False, overload=overload, workers=workers, naming=tagged)
        self.link = ClusterLink(ClusterAddress.parse(url), CLUSTER_SCRIPT, name="limiter")
        self._patience = patience
        self._asked: dict[int, list[Question]] = {}

    async def start(self) -> None:
        """Begin to connect; for a moment the cluster is waited for."""
        self.link.start()
        await self.link.wait_up(AT_START)

    def stop(self) -> None:
        """Hang up."""
        self.link.stop()

    @property
    def up(self) -> bool:
        """Whether every slot has a node that answers in time."""
        return self.link.complete

    def state(self) -> dict[str, Any]:
        """As of Limiting, and how each node is."""
        return {**super().state(), "redis_nodes": self.link.nodes()}

    def check(self, exchange: Exchange) -> None:
        """All limits of the request's route, or none of them, are charged."""
        wanted = self.wanted(exchange)
        if wanted is None:
            return
        keys = wanted.keys(exchange)
        slots = [slot_of(key) for key in keys]
        if slots.count(slots[0]) == len(slots):
            self.ask(slots[0], _Whole(self, exchange, wanted, keys, slots[0]))
        else:
            Parted(self, exchange, wanted, keys, by_slot(slots, [rule.name for rule in wanted.rules])).ask()

    def ask(self, slot: int, question: Question) -> None:
        """With the others of this tick whose keys lie in the slot."""
        node = self.link.owner(slot)
        if node is None or not node.ready:
            self.link.refresh()
            question.on_down()
            return
        if not self._asked:
            self.loop.call_soon(self._flush)
        self._asked.setdefault(slot, []).append(question)

    def ask_alone(self, slot: int, question: Question) -> None:
        """By a call of its own, for whose keys lie elsewhere than those of the others while their slot moves."""
        SlotBatch(self.link, self.metrics, self.loop, slot, [question], patience=self._patience).send()

    def _flush(self) -> None:
        asked, self._asked = self._asked, {}
        for slot, questions in asked.items():
            for start in range(0, len(questions), BATCH):
                part = questions[start : start + BATCH]
                SlotBatch(self.link, self.metrics, self.loop, slot, part, patience=self._patience).send()


class _Whole:
    """A request whose limits all lie in one slot; a question of SlotBatch."""

    __slots__ = ("_exchange", "_limiter", "_slot", "keys", "plan")

    def __init__(self, limiter: ClusterLimiter, exchange: Exchange, plan: Plan, keys: list[str], slot: int) -> None:
        self._limiter, self._exchange, self._slot = limiter, exchange, slot
        self.plan, self.keys = plan, keys

    def on_told(self, told: Sequence[int], moment: int) -> None:  # noqa: ARG002 - nothing is given back
        """See Question."""
        self._limiter.tell(self._exchange, self.plan.judge(told, 0, "allowed"))

    def on_down(self) -> None:
        """See Question."""
        self._limiter.without_redis(self._exchange, self.plan, self.keys)

    def on_moving(self) -> None:
        """Each key is asked for where it is."""
        groups = [(self._slot, (number,)) for number in range(len(self.keys))]
        Parted(self._limiter, self._exchange, self.plan, self.keys, groups, alone=True).ask()
