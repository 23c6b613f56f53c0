"""``/health/live``: the loop turns. ``/health/ready``: what it cannot do without answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

Check = Callable[[], Awaitable[bool]]

_CHECK_SECONDS = 2.0


class Live(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Each dependency by its name."""

    status: Literal["ready", "not_ready", "draining"]
    checks: dict[str, Literal["healthy", "unhealthy"]]


async def _run(check: Check) -> Literal["healthy", "unhealthy"]:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return "healthy" if await check() else "unhealthy"
    except Exception:  # noqa: BLE001 - whatever a check raises, the dependency is not well
        return "unhealthy"


def health_router(needed: Mapping[str, Check], optional: Mapping[str, Check], draining: asyncio.Event) -> APIRouter:
    """Routes of the probes; not ready as soon as the process is told to stop.

    What is ``optional`` is shown and does not decide: its loss must not take the service down too.
    """
    checks = {**needed, **optional}
    router = APIRouter(prefix="/health", include_in_schema=False)

    @router.get("/live")
    async def live() -> Live:
        return Live()

    @router.get("/ready")
    async def ready(response: Response) -> Ready:
        states = await asyncio.gather(*(_run(check) for check in checks.values()))
        found = dict(zip(checks, states, strict=True))
        ok = all(found[name] == "healthy" for name in needed)
        if draining.is_set() or not ok:
            response.status_code = 503
            response.headers["Retry-After"] = "1"
        status = "draining" if draining.is_set() else "ready" if ok else "not_ready"
        return Ready(status=status, checks=found)

    return router
