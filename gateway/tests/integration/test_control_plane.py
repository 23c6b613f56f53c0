"""What the gateway answers by itself: traced like the rest, and HEAD wherever GET is."""

import asyncio
import signal
from pathlib import Path

import pytest
from gateway_testing.process import ROUTES, GatewayProcess, Valkey
from gateway_testing.receiver import Receiver
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Wire, ask, request
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OWN = ["/", "/console", "/console/assets/page.css", "/docs", "/docs/assets/docs.js"]
OWN += ["/health/live", "/health/ready", "/metrics", "/openapi.json"]


@pytest.mark.parametrize("path", [*OWN, "/favicon.ico"])
async def test_head_is_get_without_a_body(gateway: GatewayProcess, path: str):
    shown = await ask(gateway.port, "GET", path)
    wire = await Wire.open(gateway.port)
    await wire.send(request("HEAD", path) + request("GET", "/health/live"))
    head = await wire.answer(head_only=True)
    assert (head.status, head["content-type"]) == (shown.status, shown["content-type"])
    if path not in ("/metrics", "/", "/health/ready"):  # whose bodies change
        assert head.get("content-length") == shown.get("content-length")
    following = await wire.answer()
    assert (following.status, following.json()["status"]) == (200, "alive"), "no byte of a body stood between"
    wire.close()


async def test_requests_of_the_control_plane_are_spans_too(upstream: RawUpstream, valkey: Valkey):
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    gateway = GatewayProcess(upstream.port, valkey.port, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    await asyncio.to_thread(gateway.start)
    try:
        await gateway.ready()  # probes without a trace of their own make none
        answer = await ask(gateway.port, "GET", "/openapi.json", {"traceparent": PARENT})
        assert (await ask(gateway.port, "GET", "/health/live", {"traceparent": PARENT})).status == 200
        assert (await ask(gateway.port, "POST", "/docs")).status == 405
        gateway.signal(signal.SIGTERM)
        assert await asyncio.to_thread(gateway.wait) == 0
    finally:
        await asyncio.to_thread(gateway.stop)
        server.close()
    spans = {span.name: span for span in receiver.spans}
    assert set(spans) == {"GET /openapi.json", "GET /health/live", "POST /docs"}
    document = spans["GET /openapi.json"]
    assert document.kind == Span.SPAN_KIND_SERVER
    assert document.trace_id.hex() == PARENT.split("-")[1]
    assert document.parent_span_id.hex() == PARENT.split("-")[2]
    assert answer["traceresponse"].split("-")[2] == document.span_id.hex()
    assert spans["POST /docs"].trace_id != document.trace_id


BROKEN = """
[upstreams.away]
url = "${DEAD_URL}"
breaker = { minimum = 2, open_time = "60s" }
[[routes]]
path = "/away"
methods = ["GET"]
upstream = "away"
versions = []
identity = "ignored"
"""


async def test_the_page_says_what_requests_meet(upstream: RawUpstream, valkey: Valkey, tmp_path: Path):
    file = tmp_path / "routes.toml"
    file.write_text(ROUTES.read_text() + BROKEN)
    gateway = GatewayProcess(upstream.port, valkey.port, GATEWAY_ROUTES=str(file))
    await asyncio.to_thread(gateway.start)
    try:
        await gateway.ready()
        page = (await ask(gateway.port, "GET", "/")).body
        assert b'<td>main</td><td class="healthy">healthy</td><td class="healthy">in use</td>' in page
        assert b"circuit" not in page
        for _ in range(4):
            await ask(gateway.port, "GET", "/away")
        page = (await ask(gateway.port, "GET", "/")).body
        assert b'<td class="unhealthy">circuit open: requests are refused</td>' in page
    finally:
        await asyncio.to_thread(gateway.stop)


async def test_every_metric_stands_in_the_operations_page(gateway: GatewayProcess):
    page = (Path(__file__).parents[3] / "docs" / "gateway-operations.md").read_text()
    shown = (await ask(gateway.port, "GET", "/metrics")).body.decode().splitlines()
    names = {line.split()[2] for line in shown if line.startswith("# TYPE")}
    assert "gateway_requests_total" in names
    # Counted by the parent of several workers (test_workers.py).
    names |= {"gateway_workers_accepting", "gateway_worker_restarts_total"}
    listed = {
        line.split("`")[1] for line in page.splitlines() if line.startswith("| `gateway_") and line.count("|") > 4
    }
    assert {name for name in names if not name.endswith("_created")} == listed


async def test_a_sampled_request_is_its_buckets_exemplar(gateway: GatewayProcess):
    """For who asks for OpenMetrics, as Prometheus does; the text format has no exemplars."""
    assert (await ask(gateway.port, "GET", "/health/live", {"traceparent": PARENT})).status == 200
    assert (await ask(gateway.port, "GET", "/api/v1/things", {"traceparent": PARENT})).status == 200
    unsampled = PARENT.replace("4bf92f", "5bf92f").removesuffix("1") + "0"
    assert (await ask(gateway.port, "GET", "/api/v1/things", {"traceparent": unsampled})).status == 200
    shown = await ask(gateway.port, "GET", "/metrics", {"accept": "application/openmetrics-text; version=1.0.0"})
    assert shown["content-type"].startswith("application/openmetrics-text")
    trace = PARENT.split("-")[1]
    buckets = [line for line in shown.body.decode().splitlines() if line.startswith("gateway_request_seconds_bucket")]
    of_route = [line for line in buckets if 'route="/api/things"' in line and f'# {{trace_id="{trace}"}}' in line]
    assert len(of_route) == 1
    assert not any(unsampled.split("-")[1] in line for line in buckets)
    assert b"# {" not in (await ask(gateway.port, "GET", "/metrics")).body
