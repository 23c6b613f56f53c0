"""``/metrics`` for Prometheus, from loopback and private networks only unless opened.

The peer counts, not a header: a request that a proxy we do not list passed on (it carries X-Forwarded-For or
Forwarded) comes from somewhere else than its peer, so it is refused too.
"""

from fastapi import APIRouter, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.control.state import TheGateway
from gateway.data.client_address import is_private
from gateway.data.request_head import RequestHead

router = APIRouter(include_in_schema=False)


@router.api_route("/metrics", methods=["GET", "HEAD"])
async def metrics(request: Request, gateway: TheGateway) -> Response:
    """The registry in Prometheus' text format."""
    if not gateway.settings.metrics_open and not _from_inside(request, gateway):
        raise HTTPException(403, "Only from the inside.")
    for name, pool in gateway.pools.items():
        gateway.metrics.connections.labels(name).set(pool.size)
        gateway.metrics.waiting.labels(name).set(pool.waiting)
    gateway.metrics.streams.set(len(gateway.streams))
    gateway.metrics.in_flight.set(len(gateway.deadlines))
    return Response(generate_latest(gateway.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _from_inside(request: Request, gateway: TheGateway) -> bool:
    state = request.scope["state"]
    peer, head = state["peer"], state["head"]
    assert isinstance(head, RequestHead)  # noqa: S101 - set by the client's connection
    if gateway.proxies.trusts(peer):
        return is_private(gateway.proxies.client(peer, head.fields.get(b"x-forwarded-for")))
    return is_private(peer) and b"x-forwarded-for" not in head.fields and b"forwarded" not in head.fields
