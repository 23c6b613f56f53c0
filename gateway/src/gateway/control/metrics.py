"""``/metrics`` for Prometheus, from loopback and private networks only unless opened.

The peer counts, not a header: a request that carries the trace of any proxy comes from somewhere else than its peer, so
it is refused unless the proxy is a listed one and says for whom it asks.
"""

from fastapi import APIRouter, HTTPException, Request, Response
from prometheus_client.exposition import choose_encoder

from gateway.control.snapshot import Families, plain
from gateway.control.state import TheGateway
from gateway.data.client_address import is_private
from gateway.data.request_head import RequestHead
from gateway.runtime import Gateway
from gateway.workers.channel import ChannelError
from gateway.workers.sums import Snapshot

router = APIRouter(include_in_schema=False)

# What proxies put in, all of them or one alone (nginx as it is mostly set up: X-Real-IP).
_OF_PROXIES = frozenset(
    {
        b"via",
        b"forwarded",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-original-forwarded-for",
        b"x-original-host",
        b"x-envoy-external-address",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"cdn-loop",
    }
)


@router.api_route("/metrics", methods=["GET", "HEAD"])
async def metrics(request: Request, gateway: TheGateway) -> Response:
    """In Prometheus' text format, or OpenMetrics where it is asked for; the sum over all workers."""
    if not gateway.settings.metrics_open and not _from_inside(request, gateway):
        raise HTTPException(403, "Only from the inside.")
    try:
        found = await gateway.team.metrics()
    except ChannelError as error:
        # This worker's own would look like counters that went down.
        raise HTTPException(503, "The workers' sum is not to be had.", {"retry-after": "1"}) from error
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    body = encode(Families(snapshot(gateway) if found is None else found))
    return Response(body, headers={"content-type": content_type})


def snapshot(gateway: Gateway) -> Snapshot:
    """This worker's metrics now."""
    gateway.metrics.streams.set(len(gateway.streams))
    gateway.metrics.in_flight.set(len(gateway.deadlines))
    return plain(gateway.metrics.registry)


def _from_inside(request: Request, gateway: TheGateway) -> bool:
    state = request.scope["state"]
    peer, head = state["peer"], state["head"]
    assert isinstance(head, RequestHead)  # noqa: S101 - set by the client's connection
    forwarded_for = head.fields.get(b"x-forwarded-for")
    if forwarded_for is not None and gateway.proxies.trusts(peer):
        return is_private(gateway.proxies.client(peer, forwarded_for))
    return is_private(peer) and not any(
        name in _OF_PROXIES or name.startswith(b"x-forwarded-") for name, _ in head.headers
    )
