"""``/health/live``: the loop turns. ``/health/ready``: what the gateway cannot do without is there.

It cannot do without the keys of the token issuer, so it is not ready until it has had them once; after that it keeps
them and verifies on while users is down. Every service and Redis are shown and do not decide: one service that is down
must not take the way to the others with it, and without Redis each route has a declared mode. Where no route looks at
credentials no keys are needed.
"""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from gateway.control.checks import State
from gateway.control.state import TheGateway

router = APIRouter(include_in_schema=False)


class Live(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Each dependency by its name."""

    status: Literal["ready", "not_ready", "draining"]
    checks: dict[str, State]


@router.api_route("/health/live", methods=["GET", "HEAD"])
async def live() -> Live:
    """For a supervisor: restart when this fails."""
    return Live()


@router.api_route("/health/ready", methods=["GET", "HEAD"])
async def ready(response: Response, gateway: TheGateway) -> Ready:
    """For a load balancer: send requests while this is 200."""
    checks = await gateway.checks.states()
    response.headers["cache-control"] = "no-store"
    ok = (gateway.keys.known or not gateway.table.identifies) and not gateway.draining
    if not ok:
        response.status_code = 503
        response.headers["retry-after"] = "1"
    status = "draining" if gateway.draining else "ready" if ok else "not_ready"
    return Ready(status=status, checks=checks)
