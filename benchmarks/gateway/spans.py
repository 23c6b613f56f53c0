"""Counts the spans that arrived at the sink: OTLP over HTTP as protobuf or JSON, compressed or not."""

import gzip
import json
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_SERVER = 2
_GZIP = b"\x1f\x8b"


def arrived(folder: Path) -> int:
    """Server spans in the batches that the sink kept in ``folder``; the batches are removed."""
    count = 0
    for batch in folder.glob("*"):
        count += server_spans(batch.read_bytes())
        batch.unlink()
    return count


def server_spans(body: bytes) -> int:
    """Server spans in one export request."""
    if body.startswith(_GZIP):
        body = gzip.decompress(body)
    if body.lstrip()[:1] == b"{":
        return _in_json(json.loads(body))
    request = ExportTraceServiceRequest.FromString(body)
    return sum(
        span.kind == _SERVER
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )


def _in_json(request: dict[str, list[dict[str, list[dict[str, list[dict[str, object]]]]]]]) -> int:
    # The kind may be its number or its name (OTLP's JSON mapping asks for the number).
    return sum(
        span.get("kind") in (_SERVER, "SPAN_KIND_SERVER")
        for resource in request.get("resourceSpans", [])
        for scope in resource.get("scopeSpans", [])
        for span in scope.get("spans", [])
    )
