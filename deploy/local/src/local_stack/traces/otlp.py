"""Reading OTLP/HTTP trace exports, protobuf or JSON (OTLP specification, section OTLP/HTTP)."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Any

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from local_stack.traces.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.trace.v1 import trace_pb2

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUS_OK, _STATUS_ERROR = 1, 2
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class MalformedExportError(ValueError):
    """The bytes are no trace export of the announced type."""


class ExportTooLargeError(ValueError):
    """The export is larger than what is taken at once."""


def inflate(body: bytes, most: int) -> bytes:
    """Undo gzip, never making more than `most` bytes out of a small bomb."""
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = inflater.decompress(body, most)
    except zlib.error as error:
        raise MalformedExportError(f"gzip: {error}") from error
    if inflater.unconsumed_tail:
        raise ExportTooLargeError(f"more than {most} bytes")
    if not inflater.eof:
        raise MalformedExportError("gzip: the stream is cut")
    return plain


def decode(body: bytes, content_type: str) -> list[Span]:
    """The spans of one export request."""
    try:
        if content_type == JSON:
            request = ParseDict(
                _with_binary_ids(orjson.loads(body)), ExportTraceServiceRequest(), ignore_unknown_fields=True
            )
        else:
            request = ExportTraceServiceRequest.FromString(body)
    except (DecodeError, ParseError, orjson.JSONDecodeError, TypeError, AttributeError, ValueError) as error:
        raise MalformedExportError(str(error)) from error
    spans: list[Span] = []
    for resource_spans in request.resource_spans:
        resource = tags_of(resource_spans.resource.attributes)
        service = next((tag["value"] for tag in resource if tag["key"] == "service.name"), "unknown_service")
        process_tags = [tag for tag in resource if tag["key"] != "service.name"]
        spans.extend(
            _span(span, scope_spans.scope.name, str(service), process_tags)
            for scope_spans in resource_spans.scope_spans
            for span in scope_spans.spans
        )
    return spans


def tags_of(attributes: Iterable[KeyValue]) -> list[dict[str, Any]]:
    """Attributes as Jaeger's tags."""
    return [_tag(attribute.key, _plain(attribute.value)) for attribute in attributes]


def _span(span: trace_pb2.Span, scope: str, service: str, process_tags: list[dict[str, Any]]) -> Span:
    kind = _KINDS[span.kind] if span.kind < len(_KINDS) else _KINDS[0]
    tags = [*tags_of(span.attributes), _tag("span.kind", kind)]
    if scope:
        tags.append(_tag("otel.scope.name", scope))
    if span.status.code == _STATUS_OK:
        tags.append(_tag("otel.status_code", "OK"))
    elif span.status.code == _STATUS_ERROR:
        tags += [_tag("otel.status_code", "ERROR"), _tag("error", True)]
    if span.status.message:
        tags.append(_tag("otel.status_description", span.status.message))
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() or None,
        service=service,
        operation=span.name,
        kind=kind,
        start=span.start_time_unix_nano // 1000,
        duration=max(0, span.end_time_unix_nano - span.start_time_unix_nano) // 1000,
        tags=tags,
        logs=[
            {
                "timestamp": event.time_unix_nano // 1000,
                "fields": [_tag("event", event.name), *tags_of(event.attributes)],
            }
            for event in span.events
        ],
        links=[
            {"refType": "FOLLOWS_FROM", "traceID": link.trace_id.hex(), "spanID": link.span_id.hex()}
            for link in span.links
        ],
        process_tags=process_tags,
    )


def _tag(key: str, value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"key": key, "type": "bool", "value": value}
        case int():
            return {"key": key, "type": "int64", "value": value}
        case float():
            return {"key": key, "type": "float64", "value": value}
        case str():
            return {"key": key, "type": "string", "value": value}
        case _:
            return {"key": key, "type": "string", "value": orjson.dumps(value).decode()}


def _plain(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case None:
            return ""
        case "array_value":
            return [_plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return {item.key: _plain(item.value) for item in value.kvlist_value.values}
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case field:
            return getattr(value, field)


def _with_binary_ids(message: dict[str, Any]) -> dict[str, Any]:
    """Turn ids from hex, as OTLP's JSON has them, to the base64 that protobuf's JSON mapping wants."""
    for resource_spans in message.get("resourceSpans", []):
        for scope_spans in resource_spans.get("scopeSpans", []):
            for span in scope_spans.get("spans", []):
                for holder in (span, *span.get("links", [])):
                    for field in ("traceId", "spanId", "parentSpanId"):
                        if holder.get(field):
                            holder[field] = base64.b64encode(bytes.fromhex(holder[field])).decode()
    return message
