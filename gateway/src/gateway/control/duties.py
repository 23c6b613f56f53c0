"""What any worker does when its parent, or a sibling through it, asks."""

from collections.abc import Mapping
from typing import Any

from gateway.admin.state import state
from gateway.control.metrics import snapshot
from gateway.runtime import Gateway
from gateway.workers.channel import Duty
from gateway.workers.sums import Snapshot


def duties(gateway: Gateway) -> Mapping[str, Duty]:
    """By name."""

    async def counted(_: dict[str, Any]) -> Snapshot:
        return snapshot(gateway)

    async def reload(_: dict[str, Any]) -> dict[str, Any]:
        problems = await gateway.reloading.now()
        return {"taken": not problems, "problems": problems, "version": gateway.reloading.version}

    async def told(message: dict[str, Any]) -> dict[str, Any]:
        return state(gateway, message["parts"])

    async def purge(message: dict[str, Any]) -> int:
        return gateway.cache.purge(message["prefix"].encode("latin-1"))

    return {"snapshot": counted, "reload": reload, "state": told, "purge": purge}
