"""Active health checks: each target is asked by itself, and some answers in a row decide."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from gateway.upstream.fetch import FetchError

if TYPE_CHECKING:
    from gateway.routes.model import HealthCheckModel
    from gateway.upstream.fetch import Fetcher
    from gateway.upstream.target import Target


class Health:
    """What the checks of one target say. It begins healthy, and the first answer of all counts at once."""

    def __init__(self, model: HealthCheckModel) -> None:
        self.model = model
        self.healthy = True
        self.checked = 0
        self.failed = 0
        self._row = 0

    def observe(self, *, good: bool) -> bool:
        """Take an answer; whether ``healthy`` has changed by it."""
        first = self.checked == 0
        self.checked += 1
        self.failed += not good
        if good is self.healthy:
            self._row = 0
            return False
        self._row += 1
        needed = self.model.healthy_after if good else self.model.unhealthy_after
        if self._row < needed and not first:
            return False
        self.healthy, self._row = good, 0
        return True


async def keep_checking(target: Target, health: Health, path: str, fetcher: Fetcher) -> None:
    """Until cancelled."""
    model = health.model
    while True:
        try:
            async with asyncio.timeout(model.timeout):
                await fetcher.get(target.url + path)
        except (FetchError, TimeoutError):
            good = False
        else:
            good = True
        if health.observe(good=good):
            target.upstream.on_health(target)
        # Not all targets of all gateways in the same moment.
        await asyncio.sleep(model.interval * random.uniform(0.9, 1.1))  # noqa: S311 - nothing secret
